export type {
  CheckpointDocument,
  PackedBinary,
  SegmentDocument,
  StoredWrite,
  ThreadDocument,
  ThreadPart,
  WriteSetDocument,
} from "./documents.ts";
export { listSegments, type ChannelManifest, type Manifest, type SegmentId } from "./manifest.ts";
