import type { CheckpointPendingWrite } from "@langchain/langgraph-checkpoint";
import { inspect } from "node:util";
import type { CheckpointAddress } from "../address/address.ts";
import { readAddress } from "../address/read-address.ts";
import { unpackAside } from "../codec/bytes/compression.ts";
import type { SaverContext } from "../context/context.ts";
import type { SegmentReference, StoredWrite, WriteSetDocument } from "../documents/documents.ts";
import { type PositionedWrite, arrangeWrites } from "../documents/pending-writes.ts";
import { type SegmentId, nameWhole } from "../documents/segment-id.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { type Fault, asNotDecodable, asWrongField, asWrongHash } from "../errors/corruption.ts";
import { isKeyError } from "../errors/is-key-error.ts";
import type { HashedWrite } from "../integrity/hashes.ts";
import { decodeStored } from "../records/decode-stored.ts";
import { checkWriteSet, isReference } from "../records/parse-write-set.ts";
import { bytesToHex, isBinary, toBytes } from "../driver/binary.ts";
import { toPackedBytes } from "../documents/packed-bytes.ts";
import { FieldFault } from "../store/document-fields.ts";
import { throwFault, type Contents, type WantedSegments } from "./contents.ts";

/** What turns stored bytes into values. */
export type ReadingTools = Pick<SaverContext, "cache" | "serializer" | "hasher" | "settings">;

/** The segments that hold the values of large pending writes. */
export function listWriteSegments(sets: readonly WriteSetDocument[]): SegmentId[] {
  return sets.flatMap((set) =>
    listStoredWrites(set).flatMap(({ value }) => (isReference(value) ? [nameValue(value)] : [])),
  );
}

/** The same, for each set separately: each has a bound of its own. */
export function listWantedOfWrites(sets: readonly WriteSetDocument[]): WantedSegments[] {
  return sets.flatMap((set) => {
    const bytes = listWriteSegments([set]);
    return bytes.length === 0 ? [] : [{ address: readAddress(set), lines: [], bytes }];
  });
}

function nameValue({ segment, length }: SegmentReference): SegmentId {
  return nameWhole(bytesToHex(segment), length);
}

/** What a set holds, without what damage has put in the place of a write. */
export function listStoredWrites({ writes }: WriteSetDocument): readonly StoredWrite[] {
  const found: readonly unknown[] = Array.isArray(writes) ? writes : [];
  return found.filter((write): write is StoredWrite => typeof write === "object" && write !== null);
}

/** The path of the task that wrote a set; sets of earlier versions have none. */
function readTaskPath({ task_path: taskPath = "" }: WriteSetDocument): string {
  return taskPath;
}

/**
 * Decodes pending writes of one checkpoint.
 *
 * @param address the checkpoint that is read: sets of any other are damage, however they got there
 * @param channels only writes to these; by default all
 * @throws CorruptCheckpointError if a set is not as it was written, or not the checkpoint's
 * @throws UnsupportedFormatError if a newer version of this package has written a value
 */
export async function decodeWrites(
  address: CheckpointAddress,
  sets: readonly WriteSetDocument[],
  contents: Contents,
  tools: ReadingTools,
  channels?: readonly string[],
): Promise<PositionedWrite[]> {
  const writes: PositionedWrite[] = [];
  for (const set of sets) {
    const recalled = await recallWriteSet(address, set, contents, tools);
    for (const { index, channel, type, value } of recalled) {
      if (channels !== undefined && !channels.includes(channel)) continue;
      const corruption = {
        document: "write",
        which: `${describeSet(set)}, to ${channel}`,
      } as const;
      const decoded = await decodeStored(address, corruption, tools.serializer, () =>
        tools.serializer.decode({ type, bytes: value }, "pending write"),
      );
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
  address: CheckpointAddress,
  document: WriteSetDocument,
  contents: Contents,
  tools: ReadingTools,
): Promise<readonly HashedWrite[]> {
  requireSet(document, address);
  const { threadId, checkpointNs, checkpointId } = address;
  const { task_id, idx, hash } = document;
  const place = [threadId, checkpointNs, checkpointId, task_id, idx, bytesToHex(hash)];
  const name = JSON.stringify(place);
  const known = tools.cache.getWrites(name);
  if (known !== undefined) return known.writes;
  const writes = await verifySet(address, document, contents, tools);
  tools.cache.setWrites(name, { writes });
  return writes;
}

/**
 * Reads the bytes of a set of pending writes and verifies its hash.
 *
 * @param address the checkpoint that it is to belong to; by default the one that it names itself
 * @throws CorruptCheckpointError if it is not as it was written, or of another checkpoint
 * @throws IntegrityKeyError if the key that it was hashed with is not there
 */
export async function readWriteSet(
  document: WriteSetDocument,
  contents: Contents,
  tools: Pick<ReadingTools, "hasher" | "settings">,
  address?: CheckpointAddress,
): Promise<readonly HashedWrite[]> {
  requireSet(document, address);
  return verifySet(address ?? readAddress(document), document, contents, tools);
}

async function verifySet(
  address: CheckpointAddress,
  document: WriteSetDocument,
  contents: Contents,
  { hasher, settings }: Pick<ReadingTools, "hasher" | "settings">,
): Promise<readonly HashedWrite[]> {
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
    const { key_name: keyName, epoch = 0 } = document;
    const set = { keyName, address, epoch, taskId, taskPath, place, writes };
    const hash = await hasher.hashWriteSet(set);
    if (Buffer.compare(hash, toBytes(document.hash)) === 0) return writes;
    const expected = bytesToHex(document.hash);
    const found = Buffer.from(hash).toString("hex");
    throw corruptSet(address, document, asWrongHash(expected, found));
  } catch (error) {
    if (CorruptCheckpointError.isInstance(error) || isKeyError(error)) {
      throw error;
    }
    throw corruptSet(address, document, asNotDecodable(error, "readable values"), error);
  }
}

/** @throws CorruptCheckpointError if a set is not one of the checkpoint, or not as one is written */
function requireSet(document: WriteSetDocument, address: CheckpointAddress | undefined): void {
  try {
    checkWriteSet(document, address);
  } catch (error) {
    if (!(error instanceof FieldFault)) throw error;
    const place = address ?? readAddress(document);
    throw corruptSet(place, document, asWrongField(error), error);
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
  fault: Fault,
  cause?: unknown,
): CorruptCheckpointError {
  return new CorruptCheckpointError(
    address,
    { document: "write", which: describeSet(document), ...fault },
    { cause },
  );
}

/** Names a set of pending writes. */
export function describeSet({ task_id: taskId, idx, _id: id }: WriteSetDocument): string {
  const name = isBinary(id) ? bytesToHex(id) : inspect(id, { depth: 0 });
  return `of task ${inspect(taskId, { depth: 0 })}, in place ${inspect(idx, { depth: 0 })} (_id ${name})`;
}
