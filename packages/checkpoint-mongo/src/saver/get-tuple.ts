import { TASKS, type CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { NamespaceAddress, OpenAddress } from "../address/address.ts";
import type { WriteSetDocument } from "../documents/index.ts";
import { CorruptCheckpointError } from "../errors/index.ts";
import {
  findCheckpoint,
  findLastInOrder,
  isThreadAlive,
  type FoundCheckpoint,
} from "../store/index.ts";
import { readRecord, type CheckpointRecord } from "./checkpoint-record.ts";
import { loadContents } from "./contents.ts";
import type { SaverContext } from "./context.ts";
import { findWritesOf } from "./find-writes-of.ts";
import { listWanted, readTuple } from "./read-tuple.ts";
import { isExpired, presumeNew } from "./threads.ts";

/**
 * Reads a checkpoint, or the latest one of its namespace.
 *
 * @throws CorruptCheckpointError if it is not as it was written
 */
export async function getTuple(
  context: SaverContext,
  address: OpenAddress,
): Promise<CheckpointTuple | undefined> {
  const { collections, isSharded, cache } = context;
  const found = await findCheckpoint(collections, isSharded, address);
  if (found === undefined || isExpired(found.document.expires_at)) {
    const isSure = address.checkpointId !== undefined || (await checkEmpty(context, address));
    return isSure ? undefined : getTuple(context, address);
  }
  if (address.checkpointId === undefined) {
    const { checkpoint_id: checkpointId, seq, epoch = 0 } = found.document;
    cache.setHead(address, { latest: { checkpointId, seq }, stale: found.staleHeads, epoch });
  }
  try {
    return await readFound(context, found);
  } catch (error) {
    if (!CorruptCheckpointError.isInstance(error)) throw error;
    // A deletion or the server's sweep that runs meanwhile looks like damage.
    if (await hasGone(context, found)) return undefined;
    throw error;
  }
}

/** Reads a checkpoint that was found. */
export async function readFound(
  context: SaverContext,
  { document, writes }: FoundCheckpoint,
): Promise<CheckpointTuple> {
  const { cache, hasher } = context;
  const record = readRecord(document, hasher);
  const stored = { record, writes, migratedSends: await findMigratedSends(context, record) };
  const contents = await loadContents(context, listWanted(stored));
  const tuple = await readTuple(stored, contents, context);
  cache.setRecord(record);
  const { epoch, expiresAt } = record;
  cache.setThread({ threadId: record.address.threadId, epoch, expiresAt });
  return tuple;
}

/** Tasks that the parent of a checkpoint of format 1 to 3 sent, which lie among its writes. */
export async function findMigratedSends(
  context: SaverContext,
  { header, address, parentCheckpointId }: CheckpointRecord,
): Promise<WriteSetDocument[]> {
  if (header.v >= 4 || parentCheckpointId === undefined) return [];
  const parent = { ...address, checkpointId: parentCheckpointId };
  return findWritesOf(context, [parent], [TASKS]);
}

/** Whether a checkpoint that was just found belongs to a thread that has been deleted or expired. */
export async function hasGone(
  { collections }: SaverContext,
  { document }: Pick<FoundCheckpoint, "document">,
): Promise<boolean> {
  if (isExpired(document.expires_at)) return true;
  if (!(await isThreadAlive(collections, document.thread_id))) return true;
  // Alive, but perhaps in its next life.
  const current = await collections.checkpoints.findOne(
    { _id: document._id },
    { projection: { epoch: 1 } },
  );
  return current === null || current.epoch !== document.epoch;
}

/**
 * Where nothing is marked as the latest, nothing must be there.
 *
 * @returns whether that is so; false if a checkpoint has been put since
 * @throws CorruptCheckpointError if the latest checkpoint has been removed
 */
async function checkEmpty(context: SaverContext, address: NamespaceAddress): Promise<boolean> {
  const { collections, cache } = context;
  const last = await findLastInOrder(collections, address);
  if (last === undefined) {
    presumeNew(context, address.threadId);
    const epoch = cache.getThread(address.threadId)?.epoch ?? 0;
    cache.setHead(address, { latest: undefined, stale: [], epoch });
    return true;
  }
  cache.forgetHead(address);
  if (await hasGone(context, { document: last })) return true;
  if (last.head === true) return false;
  throw new CorruptCheckpointError(
    { ...address, checkpointId: last.checkpoint_id },
    {
      document: "checkpoint",
      which: "that is the latest",
      expected: "it to exist",
      found: `only earlier ones, the last of them ${last.checkpoint_id}`,
    },
  );
}
