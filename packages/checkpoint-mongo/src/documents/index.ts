export type {
  CheckpointDocument,
  PackedBinary,
  SegmentDocument,
  StoredWrite,
  ThreadDocument,
  WriteSetDocument,
} from "./documents.ts";
export {
  joinSegmentIds,
  listSegments,
  splitSegmentIds,
  type ChannelManifest,
  type Manifest,
  type SegmentId,
} from "./manifest.ts";
