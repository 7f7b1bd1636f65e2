export {
  decodeCheckpointText,
  encodeCheckpointText,
  MAX_TEXT_BYTES,
  readHeader,
  writeHeader,
  type CheckpointHeader,
} from "./checkpoint-text.ts";
export { checkRuntime } from "./check-runtime.ts";
export { pack, packAside, readPlainLength, unpack, unpackAside } from "./compression.ts";
export { decodeBytes } from "./decode-bytes.ts";
export { decodeChannel } from "./decode-channel.ts";
export { assertRecordsAllowed, type AllowedObjects } from "./allowed-objects.ts";
export { assertLoadable } from "./assert-loadable.ts";
export { decodeValue } from "./decode-value.ts";
export { encodeBytes } from "./encode-bytes.ts";
export { listReusable, planChannel, type EncodedChannel } from "./encode-channel.ts";
export { encodeValue } from "./encode-value.ts";
export { hashInPieces } from "./hash-content.ts";
export type { KnownSegment } from "./known-segment.ts";
export { LineShadows } from "./line-shadows.ts";
export { joinLines, splitLines } from "./lines.ts";
export { replayInPieces } from "./map-entries.ts";
export { needsLoader, needsLoaderAsBytes } from "./needs-loader.ts";
export type { FindKnown } from "./pieces.ts";
export { hasToJson } from "./plain-data.ts";
export { writePlainJson } from "./plain-json.ts";
export { readContent, readItems } from "./read-segment.ts";
export { createSegmentOfBytes, type Segment } from "./segment.ts";
export { findWrapper } from "./wrapped-values.ts";
export { MAX_GROWN_BYTES } from "./store-pieces.ts";
export { measureText } from "./text-memory.ts";
export { writeChannel, type ChannelText } from "./write-channel.ts";
