import type { CheckpointPendingWrite } from "@langchain/langgraph-checkpoint";
import type { CheckpointAddress } from "../address/address.ts";
import { unpack } from "../codec/index.ts";
import type { SegmentId, StoredWrite, WriteSetDocument } from "../documents/index.ts";
import { CorruptCheckpointError } from "../errors/index.ts";
import type { HashedWrite } from "../integrity/hashes.ts";
import { binaryToHex, toBytes, toPackedBytes } from "../store/index.ts";
import { throwFault, type Contents } from "./contents.ts";
import type { SaverContext } from "./context.ts";

/** What turns stored bytes into values. */
export type ReadingTools = Pick<SaverContext, "cache" | "serializer" | "hasher">;

/** The segments that hold the values of large pending writes. */
export function listWriteSegments(sets: readonly WriteSetDocument[]): SegmentId[] {
  return sets.flatMap(({ writes }) =>
    writes.flatMap(({ value }) => ("segment" in value ? [binaryToHex(value.segment)] : [])),
  );
}

/** Where the checkpoint lies that pending writes belong to. */
export function readWriteAddress(document: WriteSetDocument): CheckpointAddress {
  return {
    threadId: document.thread_id,
    checkpointNs: document.checkpoint_ns,
    checkpointId: document.checkpoint_id,
  };
}

/**
 * Decodes pending writes of one checkpoint, ordered by task and position.
 *
 * @param channels only writes to these; by default all
 * @throws CorruptCheckpointError if a set is not as it was written
 */
export async function readWrites(
  sets: readonly WriteSetDocument[],
  contents: Contents,
  tools: ReadingTools,
  channels?: readonly string[],
): Promise<CheckpointPendingWrite[]> {
  const found: { readonly taskId: string; readonly write: HashedWrite }[] = [];
  for (const set of sets) {
    for (const write of recallWriteSet(set, contents, tools)) {
      if (channels === undefined || channels.includes(write.channel)) {
        found.push({ taskId: set.task_id, write });
      }
    }
  }
  found.sort((a, b) => compareText(a.taskId, b.taskId) || a.write.index - b.write.index);
  const writes: CheckpointPendingWrite[] = [];
  for (const { taskId, write } of found) {
    const { channel, type, value } = write;
    const decoded = await tools.serializer.decode({ type, bytes: value }, "pending write");
    writes.push([taskId, channel, decoded]);
  }
  return writes;
}

/** Reads a set of pending writes, unless this process has verified the same one before. */
function recallWriteSet(
  document: WriteSetDocument,
  contents: Contents,
  tools: ReadingTools,
): readonly HashedWrite[] {
  const { thread_id, checkpoint_ns, checkpoint_id, task_id, idx, hash } = document;
  const place = [thread_id, checkpoint_ns, checkpoint_id, task_id, idx, binaryToHex(hash)];
  const name = JSON.stringify(place);
  const known = tools.cache.getWrites(name);
  if (known !== undefined) return known.writes;
  const writes = readWriteSet(document, contents, tools);
  tools.cache.setWrites(name, { writes });
  return writes;
}

/**
 * Reads the bytes of a set of pending writes and verifies its hash.
 *
 * @throws CorruptCheckpointError if it is not as it was written
 */
export function readWriteSet(
  document: WriteSetDocument,
  contents: Contents,
  { hasher }: Pick<ReadingTools, "hasher">,
): readonly HashedWrite[] {
  const address = readWriteAddress(document);
  try {
    const writes = document.writes.map((write) => readWrite(address, write, contents));
    const hash = hasher.hashWriteSet({ address, taskId: document.task_id, writes });
    const isSame = Buffer.compare(hash, toBytes(document.hash)) === 0;
    if (isSame && writes[0]?.index === document.idx) return writes;
    const expected = binaryToHex(document.hash);
    const found = Buffer.from(hash).toString("hex");
    throw corruptSet(address, document, `the hash ${expected}`, `the hash ${found}`);
  } catch (error) {
    if (CorruptCheckpointError.isInstance(error)) throw error;
    throw corruptSet(address, document, "readable values", String(error), error);
  }
}

function readWrite(
  address: CheckpointAddress,
  { idx: index, channel, type, value }: StoredWrite,
  contents: Contents,
): HashedWrite {
  if (!("segment" in value)) {
    return { index, channel, type, value: unpack(toPackedBytes(value)) };
  }
  const id = binaryToHex(value.segment);
  const bytes = contents.bytes(id) ?? throwFault(address, id, contents);
  return { index, channel, type, value: bytes };
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function corruptSet(
  address: CheckpointAddress,
  document: WriteSetDocument,
  expected: string,
  found: string,
  cause?: unknown,
): CorruptCheckpointError {
  const which = `of task ${document.task_id}, from position ${document.idx} on`;
  return new CorruptCheckpointError(
    address,
    { document: "write", which, expected, found },
    { cause },
  );
}
