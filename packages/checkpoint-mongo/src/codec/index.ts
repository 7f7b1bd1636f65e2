export {
  decodeCheckpointText,
  encodeCheckpointText,
  MAX_TEXT_BYTES,
  readHeader,
  writeHeader,
  type CheckpointHeader,
} from "./checkpoints/checkpoint-text.ts";
export { checkRuntime } from "./bytes/check-runtime.ts";
export { pack, packAside, readPlainLength, unpack, unpackAside } from "./bytes/compression.ts";
export { decodeBytes } from "./values/decode-bytes.ts";
export { decodeChannel } from "./channels/decode-channel.ts";
export { assertRecordsAllowed, type AllowedObjects } from "./values/allowed-objects.ts";
export { assertLoadable } from "./values/assert-loadable.ts";
export { decodeValue } from "./values/decode-value.ts";
export { encodeBytes } from "./values/encode-bytes.ts";
export { listReusable, planChannel, type EncodedChannel } from "./channels/plan-channel.ts";
export { encodeValue } from "./values/encode-value.ts";
export { hashInPieces } from "./segments/hash-content.ts";
export type { KnownSegment } from "./segments/known-segment.ts";
export { LineShadows } from "./items/line-shadows.ts";
export { joinLines, splitLines } from "./items/lines.ts";
export { replayInPieces } from "./items/map-entries.ts";
export { needsLoader, needsLoaderAsBytes } from "./values/needs-loader.ts";
export type { FindKnown } from "./channels/pieces.ts";
export { hasToJson } from "./values/plain-data.ts";
export { writePlainJson } from "./values/plain-json.ts";
export { readContent, readItems } from "./segments/read-segment.ts";
export { createSegmentOfBytes, type Segment } from "./segments/segment.ts";
export { findWrapper } from "./channels/wrapped-values.ts";
export { MAX_GROWN_BYTES } from "./channels/store-pieces.ts";
export { measureText } from "./texts/text-memory.ts";
export { writeChannel, type ChannelText } from "./channels/write-channel.ts";
