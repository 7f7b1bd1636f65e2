import type { CheckpointAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import { type CheckpointRecord, readRecord } from "../records/checkpoint-record.ts";
import { ChangeRounds } from "../store/change-rounds.ts";
import { type FoundCheckpoint, findCheckpointOfLife } from "../store/find-checkpoint.ts";
import { MAX_PARENT_AGE_MS } from "../store/sweep-grace.ts";
import { spreadExpiry } from "../store/thread-lifecycle.ts";
import { type ThreadState, isSameState } from "../store/thread-record.ts";
import { isLiving, unlessGone } from "../threads/lives.ts";
import { chooseExpiryBy } from "../threads/prepare-thread.ts";

/** A read starts over if documents were removed while it was under way, at most this many times. */
const MAX_ROUNDS = 10;

/**
 * Gets the checkpoint that a put builds upon: from the cache, unless it is there for long or the
 * thread has another life or expiry by now.
 *
 * @param thread the thread as it is now; undefined if this process does not know it yet
 * @returns undefined if it is not stored in this life of its thread
 * @throws CorruptCheckpointError if it is not as it was written
 */
export async function loadParent(
  context: Pick<SaverContext, "store" | "cache" | "hasher" | "settings" | "deadline">,
  address: CheckpointAddress,
  thread: ThreadState | undefined,
  round = 1,
): Promise<CheckpointRecord | undefined> {
  const { store, cache, hasher } = context;
  const cached = cache.getRecord(address, MAX_PARENT_AGE_MS);
  if (cached !== undefined && thread !== undefined && isSameState(cached, thread)) return cached;
  const found = await findCheckpointOfLife(store, address);
  if (found === undefined || !(await isToBuildUpon(context, found, thread))) return undefined;
  const read = async (): Promise<CheckpointRecord> => readRecord(found.document, hasher);
  // If parts are missing after that many reads, they were not removed meanwhile: it is damage.
  const record = await (round < MAX_ROUNDS ? unlessGone(store, found.document, read) : read());
  if (record === "gone") return loadParent(context, address, thread, round + 1);
  cache.setRecord(record);
  if (thread === undefined || isSameState(record, thread)) return record;
  // A process that was overtaken by a change of the expiry ended before it could put that right.
  // What the parent is made of may expire as early as it does.
  const rounds = new ChangeRounds(address.threadId, "open", context.deadline);
  await spreadExpiry(store, thread, chooseExpiryBy(context), rounds);
  const mended = { ...record, expiresAt: thread.expiresAt };
  cache.setRecord(mended);
  return mended;
}

/** Whether a checkpoint belongs to the thread's known life, or is alive if that life is not known. */
async function isToBuildUpon(
  { store }: Pick<SaverContext, "store">,
  { document, record }: Pick<FoundCheckpoint, "document" | "record">,
  thread: ThreadState | undefined,
): Promise<boolean> {
  return thread === undefined
    ? isLiving(store, document, record)
    : (document.epoch ?? 0) === thread.epoch;
}
