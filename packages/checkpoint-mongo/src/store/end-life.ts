import type { Filter } from "mongodb";
import type { DocumentKind, ThreadDocument } from "../documents/documents.ts";
import { readErrorCode } from "../driver/server-errors.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { assertRecord } from "./assert-record.ts";
import type { Collections } from "./collections.ts";
import { MAX_EPOCH, mendRecord } from "./mend-record.ts";
import { matchRecord, outlive, readState, toLife, type ThreadState } from "./thread-record.ts";

/** Deletes a thread. What is written to it from now on belongs to its next life. */
export async function deleteThread(collections: Collections, threadId: string): Promise<void> {
  try {
    if (await endLife(collections, matchRecord(threadId))) return;
  } catch (error) {
    if (!CorruptCheckpointError.isInstance(error) && readErrorCode(error) !== TYPE_MISMATCH) {
      throw error;
    }
  }
  // The record is damaged or missing. Without it nothing would go.
  if (!(await mendRecord(collections, threadId))) return;
  await endLife(collections, matchRecord(threadId));
}

/** What a server says of a number that is to be counted up and is none. */
const TYPE_MISMATCH = 14;

/**
 * Ends the life of a thread and removes what belongs to it.
 *
 * @param filter finds the thread's record, if it is still as it should be
 * @returns whether it was
 */
export async function endLife(
  collections: Collections,
  filter: Filter<ThreadDocument>,
): Promise<boolean> {
  for (;;) {
    const current = await collections.threads.findOne(filter);
    if (current === null) return false;
    assertRecord(current, current.thread_id);
    const { thread_id: threadId, epoch } = current;
    const record = await collections.threads.findOneAndUpdate(
      { ...filter, epoch },
      {
        $set: toLife(threadId, epoch + 1),
        $currentDate: { deleted_at: true },
        // It stays until everything has been removed, however long that takes.
        $unset: { expires_at: "", extending: "" },
      },
      { returnDocument: "after" },
    );
    // Another process may have ended it meanwhile.
    if (record === null) continue;
    await finishDeletion(collections, readState(record));
    return true;
  }
}

/** Removes what is left of the lives of a thread before this one, which has not begun. */
export async function finishDeletion(
  collections: Collections,
  { threadId, epoch }: ThreadState,
): Promise<void> {
  await removeEarlierLives(collections, { threadId, epoch });
  const unbegun = { ...matchRecord(threadId), epoch, deleted_at: { $exists: true } };
  const highest = await removeInvented(collections, { threadId, epoch });
  if (highest !== undefined) {
    // No life was ever that far. The next one has to be beyond all of them.
    const next = { $set: toLife(threadId, highest + 1) };
    const { matchedCount } = await collections.threads.updateOne(unbegun, next);
    if (matchedCount > 0) {
      await finishDeletion(collections, { threadId, epoch: highest + 1, expiresAt: undefined });
    }
    return;
  }
  const removable = outlive(new Date(collections.clock.nowMs()));
  await collections.threads.updateOne(unbegun, { $set: { expires_at: removable } });
}

/** Removes what is left of a thread's lives before this one. */
export async function removeEarlierLives(
  { all }: Pick<Collections, "all">,
  { threadId, epoch }: Pick<ThreadState, "threadId" | "epoch">,
): Promise<void> {
  if (epoch === 0) return;
  // Not of a life that has begun meanwhile. Checkpoints go first: what they refer to is then out of
  // reach.
  const earlier = { thread_id: threadId, epoch: { $not: { $gte: epoch } } };
  await all.deleteMany({ ...earlier, kind: "checkpoint" satisfies DocumentKind });
  // With the rest, whatever damage has taken its kind.
  await all.deleteMany({ ...earlier, kind: { $ne: "thread" satisfies DocumentKind } });
}

/**
 * Looks for documents of lives that a thread has not had yet: put there by damage or by hand. Those
 * whose number no life can have are removed.
 *
 * @returns the highest of the others
 */
async function removeInvented(
  { all }: Pick<Collections, "all">,
  { threadId, epoch }: Pick<ThreadState, "threadId" | "epoch">,
): Promise<number | undefined> {
  const ofThread = { thread_id: threadId, kind: { $ne: "thread" satisfies DocumentKind } };
  const beyond = { ...ofThread, epoch: { $gt: epoch } };
  const [last] = await all
    .find<{ epoch: unknown }>(beyond, { projection: { epoch: 1 } })
    .sort({ epoch: -1 })
    .limit(1)
    .toArray();
  if (last === undefined) return undefined;
  if (typeof last.epoch === "number" && last.epoch < MAX_EPOCH) return Math.floor(last.epoch);
  await all.deleteMany({ ...ofThread, epoch: last.epoch });
  return removeInvented({ all }, { threadId, epoch });
}
