export type {
  CheckpointDocument,
  EncodedMetadata,
  PackedBinary,
  SegmentDocument,
  ThreadDocument,
  ThreadPart,
  WriteDocument,
} from "./documents.ts";
export { listSegments, type ChannelManifest, type Manifest, type SegmentId } from "./manifest.ts";
