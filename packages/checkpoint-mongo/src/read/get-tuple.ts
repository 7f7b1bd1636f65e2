import { TASKS, type CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { NamespaceAddress, OpenAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import type {
  CheckpointDocument,
  ThreadDocument,
  WriteSetDocument,
} from "../documents/documents.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { asMissing } from "../errors/corruption.ts";
import { type CheckpointRecord, readRecord } from "../records/checkpoint-record.ts";
import { isSound } from "../store/assert-record.ts";
import { assertHere, requireHere } from "../store/away-thread.ts";
import { type FoundCheckpoint, findCheckpoint, findHeads } from "../store/find-checkpoint.ts";
import { findLastInOrder } from "../store/find-last.ts";
import { findWrites } from "../store/find-writes.ts";
import { findRecord, isExtending, isOfLife, readState } from "../store/thread-record.ts";
import { isDamage, isLiving, unlessGone } from "../threads/lives.ts";
import { presumeNew } from "../threads/prepare-thread.ts";
import { loadContents } from "./contents.ts";
import { findWritesOf } from "./find-writes-of.ts";
import { listWanted, readTuple } from "./read-tuple.ts";

/** A read starts over if documents were removed while it was under way, at most this many times. */
const MAX_ROUNDS = 10;

/**
 * Reads a checkpoint, or the latest one of its namespace.
 *
 * @throws CorruptCheckpointError if it is not as it was written
 * @throws ThreadArchivedError if the thread is in the archive store
 */
export async function getTuple(
  context: SaverContext,
  address: OpenAddress,
  round = 1,
): Promise<CheckpointTuple | undefined> {
  const { store } = context;
  let found = await findCheckpoint(store, address);
  if (found !== undefined && !(await isLiving(store, found.document, found.record))) {
    found = undefined;
  }
  if (found === undefined) {
    if (address.checkpointId !== undefined) {
      await requireHere(store, address.threadId);
      return undefined;
    }
    const unmarked = await findUnmarked(context, address);
    if (unmarked === "nothing") return undefined;
    if (unmarked === "try again") {
      if (round < MAX_ROUNDS) return getTuple(context, address, round + 1);
      throw new CorruptCheckpointError(address, {
        document: "checkpoint",
        which: "that is the latest",
        ...asMissing("nothing, though the last in the order has it", "it to be found by its mark"),
      });
    }
    found = unmarked;
  }
  const { document } = found;
  const read = () => readFound(context, found);
  // If parts are missing after that many reads, they were not removed meanwhile: it is damage.
  const tuple = await (round < MAX_ROUNDS ? unlessGone(store, document, read) : read());
  if (tuple === "gone") return getTuple(context, address, round + 1);
  if (address.checkpointId === undefined) noteHead(context, address, found);
  noteThread(context, found);
  return tuple;
}

/** Reads a checkpoint that was found. */
export async function readFound(
  context: SaverContext,
  { document, writes }: Pick<FoundCheckpoint, "document" | "writes">,
): Promise<CheckpointTuple> {
  const { cache, hasher } = context;
  const record = readRecord(document, hasher);
  const stored = { record, writes, migratedSends: await findMigratedSends(context, record) };
  const contents = await loadContents(context, listWanted(stored));
  const tuple = await readTuple(stored, contents, context);
  cache.setRecord(record);
  return tuple;
}

function noteHead(
  { cache }: Pick<SaverContext, "cache">,
  address: NamespaceAddress,
  { document, staleHeads, record, isRecordLater = false }: FoundCheckpoint,
): void {
  const { checkpoint_id: checkpointId, seq, epoch = 0 } = document;
  const removal = record?.removal ?? undefined;
  const known = cache.getThread(address.threadId);
  const isSure = removal === undefined || !isRecordLater || known?.removal === removal;
  // Checkpoints may have been put and removed between the two reads.
  if (!isSure) cache.forgetHead(address);
  else cache.setHead(address, { latest: { checkpointId, seq }, stale: staleHeads, epoch, removal });
}

/** Takes what is known of a thread whose checkpoint was read, so that a put need not ask for it. */
function noteThread(
  { cache }: Pick<SaverContext, "cache">,
  { document, record }: FoundCheckpoint,
): void {
  if (record === undefined) {
    const { thread_id: threadId, epoch = 0, expires_at: expiresAt } = document;
    cache.setThread({ threadId, epoch, expiresAt });
  } else if (!isExtending(record) && isSound(record, document.thread_id)) {
    // Whoever opens the thread finishes a change that another process has begun, and reports damage.
    cache.setThread(readState(record));
  }
}

/** Tasks that the parent of a checkpoint of format 1 to 3 sent, which lie among its writes. */
export async function findMigratedSends(
  context: SaverContext,
  { header, address, epoch, parentCheckpointId }: CheckpointRecord,
): Promise<WriteSetDocument[]> {
  if (header.v >= 4 || parentCheckpointId === undefined) return [];
  const parent = { ...address, checkpointId: parentCheckpointId };
  const sets = await findWritesOf(context, [parent], [TASKS]);
  return sets.filter((set) => (set.epoch ?? 0) === epoch);
}

/**
 * Where nothing is marked as the latest, nothing must be there.
 *
 * @returns the latest checkpoint if there is one all the same, and it is no damage that it is not
 *   marked; or to try again, if one has been put since
 * @throws CorruptCheckpointError if the latest checkpoint has been removed
 */
async function findUnmarked(
  context: SaverContext,
  address: NamespaceAddress,
): Promise<FoundCheckpoint | "nothing" | "try again"> {
  const { store, cache } = context;
  const { threadId } = address;
  const last = await findLastInOrder(store, address);
  if (last === undefined) {
    presumeNew(context, threadId);
    const thread = cache.getThread(threadId);
    const { epoch = 0, removal } = thread ?? {};
    cache.setHead(address, { latest: undefined, stale: [], epoch, removal });
    return "nothing";
  }
  cache.forgetHead(address);
  const record = await findRecord(store, threadId);
  // Of a thread that was archived, one checkpoint stays here, so that this costs other threads nothing.
  if (record !== undefined) assertHere(record);
  const current = isOfLife(last, record) ? last : await findLastOfLife(context, address, record);
  if (current === undefined || !(await isLiving(store, current, record))) {
    // If the record of that life was deleted too, none of its documents may count as the next life's.
    if (record === undefined) presumeNew(context, threadId, (last.epoch ?? 0) + 1);
    return "nothing";
  }
  if (current.head === true) return "try again";
  const writes = (await findWrites(store, [current])).filter(
    ({ epoch = 0 }) => epoch === (current.epoch ?? 0),
  );
  const found = { document: current, writes, record };
  // A put of an earlier life, cut off in the middle, has taken the mark off.
  const heads = await findHeads(store, address);
  if (heads.length > 0) return { ...found, staleHeads: heads };
  if (!(await isDamage(store, current))) return "try again";
  throw new CorruptCheckpointError(
    { ...address, checkpointId: current.checkpoint_id },
    {
      document: "checkpoint",
      which: "that is the latest",
      ...asMissing(`only earlier ones, the last of them ${current.checkpoint_id}`),
    },
  );
}

async function findLastOfLife(
  { store }: Pick<SaverContext, "store">,
  address: NamespaceAddress,
  record: ThreadDocument | undefined,
): Promise<CheckpointDocument | undefined> {
  return record === undefined || record.deleted_at !== undefined
    ? undefined
    : findLastInOrder(store, address, record.epoch);
}
