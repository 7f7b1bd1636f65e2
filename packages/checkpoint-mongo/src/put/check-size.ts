import type { CheckpointAddress } from "../address/address.ts";
import { MAX_TEXT_BYTES } from "../codec/checkpoints/checkpoint-text.ts";
import type { SaverContext } from "../context/context.ts";
import type { StoredWrite } from "../documents/documents.ts";
import { measureAtMost, type Manifest } from "../documents/manifest.ts";
import { MAX_DOCUMENT_BYTES, measureDocument } from "../driver/measure-document.ts";
import { CheckpointTooLargeError, type ChannelSize } from "../errors/checkpoint-too-large-error.ts";
import type { HashedWrite } from "../integrity/hashes.ts";
import { ContentSize } from "../read/content-size.ts";
import { listManifestSegments } from "../read/read-tuple.ts";
import type { ChannelSizes } from "../records/checkpoint-record.ts";
import type { WrittenMetadata } from "./snapshot.ts";

/**
 * The rest of a checkpoint's document is for its text. Metadata is stored twice if a search cannot find all of
 * it.
 */
const MAX_METADATA_BYTES = 8 * 1_024 * 1_024;

/** Shorter metadata need not be measured: BSON takes at most eight times as much as JSON. */
const SMALL_METADATA_BYTES = MAX_METADATA_BYTES / 16;

/** The values of a set take 4 MB at most. Beside that, each write takes about a hundred bytes. */
const FEW_WRITES = 10_000;

/** At most this many channels are named if a checkpoint is too large. */
const NAMED_CHANNELS = 5;

/**
 * Reports a checkpoint that has grown over a limit of `onCheckpointSize`.
 *
 * @param before the sizes of the parent's channels, if they are known: what was over the soft limit
 *   already is not reported again
 * @throws CheckpointTooLargeError if it is over the hard limit
 */
export function checkSize(
  { settings }: Pick<SaverContext, "settings">,
  address: CheckpointAddress,
  sizes: ChannelSizes,
  before: ChannelSizes | undefined,
): void {
  const { softLimitBytes = Infinity, hardLimitBytes = Infinity } = settings.onCheckpointSize ?? {};
  const bytes = sum(sizes);
  const limit = bytes > hardLimitBytes ? "hard" : "soft";
  const limitBytes = limit === "hard" ? hardLimitBytes : softLimitBytes;
  if (bytes <= limitBytes) return;
  if (limit === "soft" && before !== undefined && sum(before) > limitBytes) return;
  const largestChannels = nameLargest(sizes);
  const size = { bytes, limitBytes, largestChannels };
  settings.onEvent({ type: "checkpoint-size", ...address, ...size, limit });
  if (limit === "hard") {
    const exceeds = "onCheckpointSize";
    throw new CheckpointTooLargeError(address, { ...size, exceeds, refused: "stored" });
  }
}

/**
 * Refuses a state that could not be read again, since it is over `maxContentBytes`.
 *
 * @param measure gives the sizes of its channels, where they are asked for
 * @throws CheckpointTooLargeError if it is
 */
export async function checkContentSize(
  { settings }: Pick<SaverContext, "settings">,
  address: CheckpointAddress,
  manifest: Manifest,
  measure: () => Promise<ChannelSizes>,
): Promise<void> {
  const limitBytes = settings.maxContentBytes;
  // An upper bound: the state may be made of small parts of the segments that it names.
  if (measureAtMost(manifest) <= limitBytes) return;
  const sizes = await measure();
  const named = new ContentSize().add(listManifestSegments(manifest));
  const bytes = Math.max(sum(sizes), named);
  if (bytes > limitBytes) {
    const largestChannels = nameLargest(sizes);
    const exceeds = "maxContentBytes";
    throw new CheckpointTooLargeError(address, {
      bytes,
      limitBytes,
      largestChannels,
      exceeds,
      refused: "stored",
    });
  }
}

/**
 * Refuses a checkpoint whose own text could not be read again.
 *
 * @throws CheckpointTooLargeError if it is too long
 */
export function checkTextSize(address: CheckpointAddress, bytes: number): void {
  if (bytes <= MAX_TEXT_BYTES) return;
  throw new CheckpointTooLargeError(address, {
    what: "its versions and the list of its channels",
    bytes,
    limitBytes: MAX_TEXT_BYTES,
    largestChannels: [],
    exceeds: undefined,
    refused: "stored",
  });
}

/**
 * Refuses metadata that no document can hold. The server would refuse it after other things were stored.
 *
 * @throws CheckpointTooLargeError if it is too long
 */
export function checkMetadataSize(
  address: CheckpointAddress,
  { searchable, encoded, isAll }: WrittenMetadata,
): void {
  const length = encoded.bytes.byteLength;
  if (length <= SMALL_METADATA_BYTES) return;
  const bytes = measureDocument(searchable ?? {}) + (isAll ? 0 : length);
  if (bytes <= MAX_METADATA_BYTES) return;
  throw new CheckpointTooLargeError(address, {
    what: "its metadata",
    bytes,
    limitBytes: MAX_METADATA_BYTES,
    largestChannels: [],
    exceeds: undefined,
    refused: "stored",
  });
}

/**
 * Refuses pending writes that are so many that no document can hold them.
 *
 * @throws CheckpointTooLargeError if they are
 */
export function checkSetSize(
  address: CheckpointAddress,
  taskId: string,
  writes: readonly StoredWrite[],
): void {
  if (writes.length <= FEW_WRITES) return;
  const bytes = measureDocument(writes);
  if (bytes <= MAX_DOCUMENT_BYTES) return;
  throw new CheckpointTooLargeError(address, {
    what: `the list of the ${writes.length} writes of task ${taskId}`,
    bytes,
    limitBytes: MAX_DOCUMENT_BYTES,
    largestChannels: [],
    exceeds: undefined,
    refused: "stored",
  });
}

/**
 * Refuses pending writes that could not be read again, since they are over `maxContentBytes`.
 *
 * @throws CheckpointTooLargeError if they are
 */
export function checkWritesSize(
  address: CheckpointAddress,
  taskId: string,
  writes: readonly HashedWrite[],
  limitBytes: number,
): void {
  const bytes = writes.reduce((total, { value }) => total + value.byteLength, 0);
  if (bytes <= limitBytes) return;
  const sizes = new Map<string, number>();
  for (const { channel, value } of writes) {
    sizes.set(channel, (sizes.get(channel) ?? 0) + value.byteLength);
  }
  throw new CheckpointTooLargeError(address, {
    what: `what task ${taskId} wrote`,
    bytes,
    limitBytes,
    largestChannels: nameLargest(sizes),
    exceeds: "maxContentBytes",
    refused: "stored",
  });
}

function nameLargest(sizes: ChannelSizes): ChannelSize[] {
  return Array.from(sizes, ([channel, bytes]) => ({ channel, bytes }))
    .toSorted((a, b) => b.bytes - a.bytes)
    .slice(0, NAMED_CHANNELS);
}

function sum(sizes: ChannelSizes): number {
  let bytes = 0;
  for (const own of sizes.values()) bytes += own;
  return bytes;
}
