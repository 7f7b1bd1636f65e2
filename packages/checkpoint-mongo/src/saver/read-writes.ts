import type { CheckpointPendingWrite } from "@langchain/langgraph-checkpoint";
import type { CheckpointAddress } from "../address/address.ts";
import { unpackAside } from "../codec/index.ts";
import {
  arrangeWrites,
  type PositionedWrite,
  nameWhole,
  type SegmentId,
  type SegmentReference,
  type StoredWrite,
  type WriteSetDocument,
} from "../documents/index.ts";
import { CorruptCheckpointError, IntegrityKeyError } from "../errors/index.ts";
import { hashAddress, type HashedWrite } from "../integrity/hashes.ts";
import { bytesToHex, isBinary, toBytes, toPackedBytes } from "../store/index.ts";
import { throwFault, type Contents, type WantedSegments } from "./contents.ts";
import type { SaverContext } from "./context.ts";

/** What turns stored bytes into values. */
export type ReadingTools = Pick<SaverContext, "cache" | "serializer" | "hasher" | "settings">;

/** The segments that hold the values of large pending writes. */
export function listWriteSegments(sets: readonly WriteSetDocument[]): SegmentId[] {
  return sets.flatMap((set) =>
    listStoredWrites(set).flatMap(({ value }) => (isReference(value) ? [nameValue(value)] : [])),
  );
}

/** The same, by the set that they belong to: each set is bounded for itself. */
export function listWantedOfWrites(sets: readonly WriteSetDocument[]): WantedSegments[] {
  return sets.flatMap((set) => {
    const bytes = listWriteSegments([set]);
    return bytes.length === 0 ? [] : [{ address: readWriteAddress(set), lines: [], bytes }];
  });
}

function nameValue({ segment, length }: SegmentReference): SegmentId {
  return nameWhole(bytesToHex(segment), length);
}

/** What a set holds; nothing where damage has put something else in its place. */
export function listStoredWrites({ writes }: WriteSetDocument): readonly StoredWrite[] {
  return Array.isArray(writes) ? (writes as StoredWrite[]) : [];
}

/** The path of the task that wrote a set; sets of earlier versions have none. */
function readTaskPath({ task_path: taskPath = "" }: WriteSetDocument): string {
  return taskPath;
}

/** Whether the value of a write lies in a segment. */
export function isReference(value: StoredWrite["value"]): value is SegmentReference {
  const { segment, length } = (value ?? {}) as Partial<Record<keyof SegmentReference, unknown>>;
  return isBinary(segment) && Number.isSafeInteger(length) && (length as number) >= 0;
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
 * Decodes pending writes of one checkpoint.
 *
 * @param channels only writes to these; by default all
 * @throws CorruptCheckpointError if a set is not as it was written
 */
export async function decodeWrites(
  sets: readonly WriteSetDocument[],
  contents: Contents,
  tools: ReadingTools,
  channels?: readonly string[],
): Promise<PositionedWrite[]> {
  const writes: PositionedWrite[] = [];
  for (const set of sets) {
    for (const { index, channel, type, value } of await recallWriteSet(set, contents, tools)) {
      if (channels !== undefined && !channels.includes(channel)) continue;
      const decoded = await tools.serializer.decode({ type, bytes: value }, "pending write");
      writes.push({
        taskId: set.task_id,
        taskPath: readTaskPath(set),
        index,
        channel,
        value: decoded,
      });
    }
  }
  return writes;
}

/** Decodes pending writes of one checkpoint, as {@link decodeWrites} does, in order. */
export async function readWrites(
  ...parameters: Parameters<typeof decodeWrites>
): Promise<CheckpointPendingWrite[]> {
  return arrangeWrites(await decodeWrites(...parameters));
}

/** Reads a set of pending writes, unless this process has verified the same one before. */
async function recallWriteSet(
  document: WriteSetDocument,
  contents: Contents,
  tools: ReadingTools,
): Promise<readonly HashedWrite[]> {
  const { thread_id, checkpoint_ns, checkpoint_id, task_id, idx, hash } = document;
  if (!isBinary(hash)) return readWriteSet(document, contents, tools);
  const place = [thread_id, checkpoint_ns, checkpoint_id, task_id, idx, bytesToHex(hash)];
  const name = JSON.stringify(place);
  const known = tools.cache.getWrites(name);
  if (known !== undefined) return known.writes;
  const writes = await readWriteSet(document, contents, tools);
  tools.cache.setWrites(name, { writes });
  return writes;
}

/**
 * Reads the bytes of a set of pending writes and verifies its hash.
 *
 * @throws CorruptCheckpointError if it is not as it was written
 * @throws IntegrityKeyError if the key that it was hashed with is not there
 */
export async function readWriteSet(
  document: WriteSetDocument,
  contents: Contents,
  { hasher, settings }: Pick<ReadingTools, "hasher" | "settings">,
): Promise<readonly HashedWrite[]> {
  const address = readWriteAddress(document);
  try {
    const writes: HashedWrite[] = [];
    let left = settings.maxContentBytes;
    for (const write of document.writes) {
      const read = await readWrite(address, write, contents, left);
      writes.push(read);
      left -= read.value.byteLength;
    }
    const { task_id: taskId, idx: place } = document;
    const taskPath = readTaskPath(document);
    const { key_name: keyName } = document;
    const hash = await hasher.hashWriteSet({ keyName, address, taskId, taskPath, place, writes });
    if (Buffer.compare(hash, toBytes(document.hash)) === 0) return writes;
    const expected = bytesToHex(document.hash);
    const found = Buffer.from(hash).toString("hex");
    throw corruptSet(address, document, `the hash ${expected}`, `the hash ${found}`);
  } catch (error) {
    if (CorruptCheckpointError.isInstance(error) || IntegrityKeyError.isInstance(error))
      throw error;
    throw corruptSet(address, document, "readable values", String(error), error);
  }
}

/**
 * Verifies that a set of pending writes is found by the checkpoint it belongs to.
 *
 * @throws CorruptCheckpointError if it points elsewhere
 */
export function verifyPointer(document: WriteSetDocument): void {
  const address = readWriteAddress(document);
  const expected = Buffer.from(hashAddress(address)).toString("hex");
  const { checkpoint } = document;
  const found = isBinary(checkpoint) ? bytesToHex(checkpoint) : String(checkpoint);
  if (found !== expected) {
    throw corruptSet(address, document, `it to point to the checkpoint ${expected}`, found);
  }
}

async function readWrite(
  address: CheckpointAddress,
  { idx: index, channel, type, value }: StoredWrite,
  contents: Contents,
  maxBytes: number,
): Promise<HashedWrite> {
  if (!isReference(value)) {
    return { index, channel, type, value: await unpackAside(toPackedBytes(value), maxBytes) };
  }
  const id = nameValue(value);
  const bytes = contents.bytes(id) ?? throwFault(address, id, contents);
  return { index, channel, type, value: bytes };
}

function corruptSet(
  address: CheckpointAddress,
  document: WriteSetDocument,
  expected: string,
  found: string,
  cause?: unknown,
): CorruptCheckpointError {
  const which = `of task ${document.task_id}, in place ${document.idx}`;
  return new CorruptCheckpointError(
    address,
    { document: "write", which, expected, found },
    { cause },
  );
}
