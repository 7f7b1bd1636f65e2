export type {
  CheckpointDocument,
  PackedBinary,
  SegmentDocument,
  StoredWrite,
  ThreadDocument,
  ThreadPart,
  WriteSetDocument,
} from "./documents.ts";
export {
  joinSegmentIds,
  listSegments,
  SEGMENT_ID_BYTES,
  splitSegmentIds,
  type ChannelManifest,
  type Manifest,
  type SegmentId,
} from "./manifest.ts";
