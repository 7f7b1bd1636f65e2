export {
  listSegments,
  type ChannelManifest,
  type Manifest,
  type SegmentSlice,
  type SlicedKind,
  type Wrapper,
} from "./manifest.ts";
export {
  formatSegmentId,
  joinSegmentIds,
  nameWhole,
  parseSegmentId,
  splitSegmentIds,
  toContentHash,
  type ContentHash,
  type SegmentId,
  type SegmentName,
} from "./segment-id.ts";
