export type {
  CheckpointDocument,
  DocumentKind,
  PackedBinary,
  SegmentDocument,
  SegmentReference,
  StoredBytes,
  StoredWrite,
  ThreadDocument,
  ThreadPart,
  WriteSetDocument,
} from "./documents.ts";
export {
  listSegments,
  measureAtMost,
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
  splitHashes,
  splitSegmentIds,
  toContentHash,
  type ContentHash,
  type SegmentId,
  type SegmentName,
} from "./segment-id.ts";
export {
  arrangeWrites,
  countRepeated,
  mergeWrites,
  type PositionedWrite,
} from "./pending-writes.ts";
