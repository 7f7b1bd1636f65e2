import type { CheckpointAddress } from "../address/address.ts";
import { findCheckpointOfLife, type FoundCheckpoint } from "../store/find-checkpoint.ts";
import { isSameState, type ThreadState } from "../store/thread-record.ts";
import { spreadExpiry } from "../store/thread-lifecycle.ts";
import { readRecord, type CheckpointRecord } from "./checkpoint-record.ts";
import type { SaverContext } from "./context.ts";
import { isLiving, unlessGone } from "./lives.ts";
import { chooseExpiryBy } from "./threads.ts";

/**
 * What this process remembers of a parent is not built upon for longer: another process may have put
 * the parent again with other content, and sweeps then remove what it was made of, after 600 s at
 * the earliest.
 */
const MAX_AGE_MS = 5 * 60 * 1_000;

/**
 * Gets the checkpoint that a put builds upon: from the cache, unless it is there for long or the
 * thread has another life or expiry by now.
 *
 * @param thread the thread as it is now; undefined if this process does not know it yet
 * @returns undefined if it is not stored in this life of its thread
 * @throws CorruptCheckpointError if it is not as it was written
 */
export async function loadParent(
  context: Pick<SaverContext, "collections" | "isSharded" | "cache" | "hasher" | "settings">,
  address: CheckpointAddress,
  thread: ThreadState | undefined,
): Promise<CheckpointRecord | undefined> {
  const { collections, isSharded, cache, hasher } = context;
  const cached = cache.getRecord(address, MAX_AGE_MS);
  if (cached !== undefined && thread !== undefined && isSameState(cached, thread)) return cached;
  const found = await findCheckpointOfLife(collections, isSharded, address);
  if (found === undefined || !(await isToBuildUpon(context, found, thread))) return undefined;
  const record = await unlessGone(collections, found.document, async () =>
    readRecord(found.document, hasher),
  );
  if (record === "gone") return loadParent(context, address, thread);
  cache.setRecord(record);
  if (thread === undefined || isSameState(record, thread)) return record;
  // A process that was overtaken by a change of the expiry ended before it could put that right.
  // What the parent is made of may expire as early as it does.
  await spreadExpiry(collections, thread, chooseExpiryBy(context.settings, collections.clock));
  const mended = { ...record, expiresAt: thread.expiresAt };
  cache.setRecord(mended);
  return mended;
}

/** Whether a checkpoint is of the life that a thread is known to be in, or alive if it is not known. */
async function isToBuildUpon(
  { collections }: Pick<SaverContext, "collections">,
  { document, record }: Pick<FoundCheckpoint, "document" | "record">,
  thread: ThreadState | undefined,
): Promise<boolean> {
  return thread === undefined
    ? isLiving(collections, document, record)
    : (document.epoch ?? 0) === thread.epoch;
}
