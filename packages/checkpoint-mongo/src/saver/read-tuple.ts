import {
  maxChannelVersion,
  TASKS,
  type Checkpoint,
  type CheckpointPendingWrite,
  type CheckpointTuple,
  type CheckpointMetadata,
} from "@langchain/langgraph-checkpoint";
import { toConfig, type CheckpointAddress } from "../address/address.ts";
import { unpack } from "../codec/index.ts";
import type { Manifest, SegmentId, WriteDocument } from "../documents/index.ts";
import { CorruptCheckpointError } from "../errors/index.ts";
import type { Hasher } from "../integrity/hashes.ts";
import { binaryToHex, compareWrites, toPackedBytes } from "../store/index.ts";
import type { CheckpointRecord } from "./checkpoint-record.ts";
import type { Contents, WantedSegments } from "./contents.ts";
import type { SaverContext } from "./context.ts";
import type { TypedBytes } from "./serializer.ts";

/** All that a tuple is made of, as stored. */
export interface StoredTuple {
  readonly record: CheckpointRecord;
  readonly writes: readonly WriteDocument[];
  /** Pending sends that the parent of a checkpoint of format 1 to 3 holds; see {@link TASKS}. */
  readonly migratedSends: readonly WriteDocument[];
}

/** What turns stored bytes into values. */
export type ReadingTools = Pick<SaverContext, "serializer" | "hasher">;

/** The segments that a tuple is made of. */
export function listWanted({ record, writes, migratedSends }: StoredTuple): WantedSegments {
  return {
    threadId: record.address.threadId,
    ...listManifestSegments(record.manifest),
    bytes: [
      ...listManifestSegments(record.manifest).bytes,
      ...listWriteSegments([...writes, ...migratedSends]),
    ],
  };
}

/** The segments of a manifest, by how they are to be read. */
export function listManifestSegments(
  manifest: Manifest,
): Pick<WantedSegments, "lines" | "bytes"> {
  const lines: SegmentId[] = [];
  const bytes: SegmentId[] = [];
  for (const channel of manifest.values()) {
    if (channel.kind === "typed") bytes.push(channel.segment);
    else if (channel.kind === "value") lines.push(channel.segment);
    else if (channel.kind !== "inline") lines.push(...channel.slices.map((s) => s.segment));
  }
  return { lines, bytes };
}

/** The segments that hold the values of large pending writes. */
export function listWriteSegments(writes: readonly WriteDocument[]): SegmentId[] {
  return writes.flatMap(({ value }) => ("segment" in value ? [binaryToHex(value.segment)] : []));
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
  const checkpoint = {
    ...record.header,
    id: address.checkpointId,
    channel_values: await readChannels(record, contents, tools),
  } as Checkpoint;
  if (checkpoint.v < 4 && record.parentCheckpointId !== undefined) {
    await migrateSends(checkpoint, migratedSends, contents, tools);
  }
  const metadata = await tools.serializer.decode(record.metadata, "checkpoint's metadata");
  checkSets(address, writes);
  const tuple: CheckpointTuple = {
    config: toConfig(address),
    checkpoint,
    metadata: metadata as CheckpointMetadata,
    pendingWrites: await readWrites(writes, contents, tools),
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
  { serializer }: ReadingTools,
): Promise<Record<string, unknown>> {
  const get = (id: SegmentId) => contents.get(id) ?? throwFault(address, id, contents);
  const reader = {
    lines: (id: SegmentId) => (get(id) as { lines: readonly string[] }).lines,
    content: (id: SegmentId) => (get(id) as { bytes: Uint8Array }).bytes,
  };
  const values: [string, unknown][] = [];
  for (const [name, channel] of manifest) {
    values.push([name, await serializer.decodeChannel(channel, reader)]);
  }
  return Object.fromEntries(values);
}

/**
 * Decodes pending writes, ordered by task and position.
 *
 * @throws CorruptCheckpointError if one is not as it was written
 */
export async function readWrites(
  documents: readonly WriteDocument[],
  contents: Contents,
  { serializer, hasher }: ReadingTools,
): Promise<CheckpointPendingWrite[]> {
  const writes: CheckpointPendingWrite[] = [];
  for (const document of documents.toSorted(compareWrites)) {
    const value = await serializer.decode(
      readWriteValue(document, contents, hasher),
      "pending write",
    );
    writes.push([document.task_id, document.channel, value]);
  }
  return writes;
}

function readWriteValue(
  document: WriteDocument,
  contents: Contents,
  hasher: Hasher,
): TypedBytes {
  const address: CheckpointAddress = {
    threadId: document.thread_id,
    checkpointNs: document.checkpoint_ns,
    checkpointId: document.checkpoint_id,
  };
  const { type } = document;
  let bytes: Uint8Array;
  try {
    if ("segment" in document.value) {
      const id = binaryToHex(document.value.segment);
      bytes = (contents.get(id) as { bytes: Uint8Array } | undefined)?.bytes ??
        throwFault(address, id, contents);
    } else {
      bytes = unpack(toPackedBytes(document.value));
    }
  } catch (error) {
    if (CorruptCheckpointError.isInstance(error)) throw error;
    throw corruptWrite(address, document, "a readable value", String(error), error);
  }
  const expected = binaryToHex(document.hash);
  const hash = hasher.hashWrite({
    address,
    taskId: document.task_id,
    index: document.idx,
    set: document.set ?? [document.idx],
    channel: document.channel,
    type,
    value: bytes,
  });
  const found = Buffer.from(hash).toString("hex");
  if (found !== expected) {
    throw corruptWrite(address, document, `the hash ${expected}`, `the hash ${found}`);
  }
  return { type, bytes };
}

/** Writes that were stored together are there together. */
function checkSets(address: CheckpointAddress, documents: readonly WriteDocument[]): void {
  const present = new Set(documents.map(({ task_id, idx }) => `${idx} ${task_id}`));
  for (const document of documents) {
    for (const index of document.set ?? []) {
      if (present.has(`${index} ${document.task_id}`)) continue;
      throw new CorruptCheckpointError(address, {
        document: "write",
        which: `${document.task_id}/${index}`,
        expected: "it to exist",
        found: "nothing",
      });
    }
  }
}

/** Before format 4, tasks sent by a checkpoint's parent were not among its channels. */
async function migrateSends(
  checkpoint: Checkpoint,
  sends: readonly WriteDocument[],
  contents: Contents,
  tools: ReadingTools,
): Promise<void> {
  const writes = await readWrites(sends, contents, tools);
  checkpoint.channel_values[TASKS] = writes.map(([, , value]) => value);
  const versions = Object.values(checkpoint.channel_versions);
  checkpoint.channel_versions[TASKS] = versions.length > 0 ? maxChannelVersion(...versions) : 1;
}

function throwFault(address: CheckpointAddress, id: SegmentId, contents: Contents): never {
  throw new CorruptCheckpointError(address, {
    document: "segment",
    which: id,
    ...contents.fault(id),
  });
}

function corruptWrite(
  address: CheckpointAddress,
  document: WriteDocument,
  expected: string,
  found: string,
  cause?: unknown,
): CorruptCheckpointError {
  const which = `${document.task_id}/${document.idx} to channel "${document.channel}"`;
  return new CorruptCheckpointError(
    address,
    { document: "write", which, expected, found },
    { cause },
  );
}
