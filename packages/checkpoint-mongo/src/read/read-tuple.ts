import {
  TASKS,
  type Checkpoint,
  type CheckpointTuple,
  type CheckpointMetadata,
} from "@langchain/langgraph-checkpoint";
import { toConfig, type CheckpointAddress } from "../address/address.ts";
import type { WriteSetDocument } from "../documents/documents.ts";
import { type Manifest, measureAtMost } from "../documents/manifest.ts";
import type { SegmentId } from "../documents/segment-id.ts";
import { CheckpointTooLargeError } from "../errors/checkpoint-too-large-error.ts";
import { migrateSends } from "../migration/migrate-sends.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";
import { decodeStored } from "../records/decode-stored.ts";
import { assertWitnessed } from "../records/witness.ts";
import { throwFault, type Contents, type WantedSegments } from "./contents.ts";
import { listWantedOfWrites, readWrites, type ReadingTools } from "./read-writes.ts";

/** All that a tuple is made of, as stored. */
export interface StoredTuple {
  readonly record: CheckpointRecord;
  readonly writes: readonly WriteSetDocument[];
  /** Pending sends that the parent of a checkpoint of format 1 to 3 holds; see {@link TASKS}. */
  readonly migratedSends: readonly WriteSetDocument[];
}

/** The segments that a tuple is made of. */
export function listWanted({ record, writes, migratedSends }: StoredTuple): WantedSegments[] {
  const { address, manifest } = record;
  return [
    { address, ...listManifestSegments(manifest) },
    ...listWantedOfWrites([...writes, ...migratedSends]),
  ];
}

/** The segments of a manifest, by how they are to be read. */
export function listManifestSegments(manifest: Manifest): Pick<WantedSegments, "lines" | "bytes"> {
  const lines: SegmentId[] = [];
  const bytes: SegmentId[] = [];
  for (const channel of manifest.values()) {
    if (channel.kind === "typed") bytes.push(channel.segment);
    else if (channel.kind === "value") lines.push(channel.segment);
    else if (channel.kind !== "inline") lines.push(...channel.slices.map((s) => s.segment));
  }
  return { lines, bytes };
}

/**
 * Decodes a checkpoint with everything that belongs to it.
 *
 * @throws CorruptCheckpointError if anything of it is not as it was written
 */
export async function readTuple(
  stored: StoredTuple,
  contents: Contents,
  tools: ReadingTools,
): Promise<CheckpointTuple> {
  const { record, writes, migratedSends } = stored;
  const { address } = record;
  assertWitnessed(address, record.witness, writes);
  const checkpoint = {
    ...record.header,
    id: address.checkpointId,
    channel_values: await readChannels(record, contents, tools),
  } as Checkpoint;
  if (checkpoint.v < 4 && record.parentCheckpointId !== undefined) {
    const parent = { ...address, checkpointId: record.parentCheckpointId };
    migrateSends(checkpoint, await readWrites(parent, migratedSends, contents, tools, [TASKS]));
  }
  const metadata = await decodeMetadata(record, tools);
  const tuple: CheckpointTuple = {
    config: toConfig(address),
    checkpoint,
    metadata: metadata as CheckpointMetadata,
    pendingWrites: await readWrites(address, writes, contents, tools),
  };
  if (record.parentCheckpointId !== undefined) {
    tuple.parentConfig = toConfig({ ...address, checkpointId: record.parentCheckpointId });
  }
  return tuple;
}

/**
 * Decodes a record's channels.
 *
 * @throws CorruptCheckpointError if a segment is missing or not as it was written
 */
export async function readChannels(
  { address, manifest }: Pick<CheckpointRecord, "address" | "manifest">,
  contents: Contents,
  { serializer, settings }: ReadingTools,
): Promise<Record<string, unknown>> {
  const { maxContentBytes } = settings;
  if (measureAtMost(manifest) > maxContentBytes) {
    checkValues(address, manifest, contents, maxContentBytes);
  }
  const reader = {
    lines: (id: SegmentId) => contents.lines(id) ?? throwFault(address, id, contents),
    content: (id: SegmentId) => contents.bytes(id) ?? throwFault(address, id, contents),
  };
  const values: [string, unknown][] = [];
  for (const [name, channel] of manifest) {
    const corruption = {
      document: "checkpoint",
      which: `channel ${JSON.stringify(name)}`,
    } as const;
    const value = await decodeStored(address, corruption, serializer, () =>
      serializer.decodeChannel(channel, reader),
    );
    values.push([name, value]);
  }
  return Object.fromEntries(values);
}

/**
 * Segments may be within the bound and values beyond it: a forged manifest can name the same segments
 * again and again.
 *
 * @throws CheckpointTooLargeError if values are longer than that
 */
function checkValues(
  address: CheckpointAddress,
  manifest: Manifest,
  contents: Contents,
  limitBytes: number,
): void {
  let bytes = 0;
  for (const channel of manifest.values()) {
    if (!("slices" in channel)) {
      bytes += measureAtMost(new Map([["", channel]]));
      continue;
    }
    for (const { segment, from, to } of channel.slices) {
      const lines = contents.lines(segment) ?? throwFault(address, segment, contents);
      const end = Math.min(to ?? lines.length, lines.length);
      for (let index = from; index < end && bytes <= limitBytes; index += 1) {
        bytes += lines[index]!.length;
      }
    }
  }
  if (bytes <= limitBytes) return;
  throw new CheckpointTooLargeError(address, {
    bytes,
    limitBytes,
    largestChannels: [],
    exceeds: "maxContentBytes",
    refused: "loaded",
  });
}

/**
 * Decodes a record's metadata.
 *
 * @throws CorruptCheckpointError if it is no metadata
 */
export async function decodeMetadata(
  { address, metadata }: Pick<CheckpointRecord, "address" | "metadata">,
  { serializer }: Pick<ReadingTools, "serializer">,
): Promise<unknown> {
  return decodeStored(address, { document: "checkpoint", which: "its metadata" }, serializer, () =>
    serializer.decode(metadata, "checkpoint's metadata"),
  );
}
