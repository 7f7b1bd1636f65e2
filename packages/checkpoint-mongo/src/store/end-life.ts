import type { Filter } from "mongodb";
import type { DocumentKind, ThreadDocument } from "../documents/documents.ts";
import { deleteAll } from "../driver/change-many.ts";
import { readErrorCode } from "../driver/server-errors.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { assertRecord } from "./assert-record.ts";
import { assertNoCopies } from "./away-thread.ts";
import { ChangeRounds } from "./change-rounds.ts";
import type { ConflictDeadline } from "./conflict-rounds.ts";
import { MAX_EPOCH, mendRecord } from "./mend-record.ts";
import type { Store } from "./store.ts";
import { ENTRY_FIELDS } from "./thread-entry.ts";
import { matchRecord, outlive, toLife, type ThreadState } from "./thread-record.ts";

/**
 * Deletes a thread. What is written to it from now on belongs to its next life.
 *
 * @param deadline of the call
 * @param refusedSeconds for how long nothing is written to it then; by default a write begins the next life
 * @throws ThreadArchivedError if a copy may be in the archive store; nothing was changed
 * @throws WriteConflictError if other processes keep ending it meanwhile
 */
export async function deleteThread(
  store: Store,
  threadId: string,
  deadline: ConflictDeadline,
  refusedSeconds?: number,
): Promise<void> {
  const filter = matchRecord(threadId);
  const assertEndable = assertNoCopies;
  try {
    if (await endLife(store, threadId, filter, deadline, { refusedSeconds, assertEndable })) return;
  } catch (error) {
    if (!CorruptCheckpointError.isInstance(error) && readErrorCode(error) !== TYPE_MISMATCH) {
      throw error;
    }
  }
  // The record is damaged or missing. Without one, nothing would be removed.
  if (!(await mendRecord(store, threadId))) return;
  await endLife(store, threadId, filter, deadline, { refusedSeconds, assertEndable });
}

/** What a server says if the field to count up is not a number. */
const TYPE_MISMATCH = 14;

/** How a life ends. */
interface EndOptions {
  /** For how long nothing is written to the thread then. */
  readonly refusedSeconds?: number | undefined;
  /** Throws if the thread must not end. */
  readonly assertEndable?: (record: ThreadDocument) => void;
}

/**
 * Ends the life of a thread and removes what belongs to it.
 *
 * @param filter finds the thread's record, if it is still as it should be
 * @param deadline of the call
 * @returns whether it was
 * @throws CorruptCheckpointError if the record is damaged
 * @throws WriteConflictError if other processes keep ending the thread meanwhile
 */
export async function endLife(
  store: Store,
  threadId: string,
  filter: Filter<ThreadDocument>,
  deadline: ConflictDeadline,
  { refusedSeconds, assertEndable }: EndOptions = {},
): Promise<boolean> {
  const rounds = new ChangeRounds(threadId, "delete", deadline);
  for (;;) {
    await rounds.begin();
    const current = await store.threads.findOne(filter);
    if (current === null) return false;
    assertRecord(current, threadId);
    assertEndable?.(current);
    const { epoch, arriving } = current;
    // What arrives from an archive is of a life that the thread has not had.
    const next = Math.max(epoch, arriving?.life ?? 0) + 1;
    const refusedUntil =
      refusedSeconds === undefined
        ? undefined
        : new Date(store.estimateTime() + refusedSeconds * 1_000);
    const record = await store.threads.findOneAndUpdate(
      { ...filter, epoch },
      {
        $set: {
          ...toLife(threadId, next),
          ...(refusedUntil && { refused_until: refusedUntil }),
        },
        $currentDate: { deleted_at: true },
        // It stays until everything has been removed, however long that takes.
        $unset: { expires_at: "", extending: "", copying: "", ...ENTRY_FIELDS },
      },
      { returnDocument: "after" },
    );
    // Another process may have ended it meanwhile.
    if (record === null) continue;
    await finishDeletion(store, record);
    return true;
  }
}

/** Removes what is left of earlier lives of a thread whose present life has not begun. */
export async function finishDeletion(
  store: Store,
  {
    thread_id: threadId,
    epoch,
    refused_until: refusedUntil,
  }: Pick<ThreadDocument, "thread_id" | "epoch" | "refused_until">,
): Promise<void> {
  await removeEarlierLives(store, { threadId, epoch });
  const unbegun = { ...matchRecord(threadId), epoch, deleted_at: { $exists: true } };
  const highest = await removeInvented(store, { threadId, epoch });
  if (highest !== undefined) {
    // No life was ever that far. The next one has to be beyond all of them.
    const next = { $set: toLife(threadId, highest + 1) };
    const { matchedCount } = await store.threads.updateOne(unbegun, next);
    if (matchedCount > 0) {
      const further = { thread_id: threadId, epoch: highest + 1 };
      await finishDeletion(store, {
        ...further,
        ...(refusedUntil && { refused_until: refusedUntil }),
      });
    }
    return;
  }
  const nowMs = store.estimateTime();
  const removable = outlive(new Date(Math.max(nowMs, refusedUntil?.getTime() ?? nowMs)));
  await store.threads.updateOne(unbegun, { $set: { expires_at: removable } });
}

/** Removes what is left of a thread's lives before this one. */
export async function removeEarlierLives(
  { all, encryption }: Pick<Store, "all" | "encryption">,
  { threadId, epoch }: Pick<ThreadState, "threadId" | "epoch">,
): Promise<void> {
  if (epoch === 0) return;
  // Nothing of a life that has begun meanwhile. Checkpoints go first: without them, nothing else can be
  // reached.
  const earlier = { thread_id: threadId, epoch: { $not: { $gte: epoch } } };
  await deleteAll(all, { ...earlier, kind: "checkpoint" satisfies DocumentKind });
  // The rest includes documents whose kind is damaged.
  await deleteAll(all, { ...earlier, kind: { $ne: "thread" satisfies DocumentKind } });
  // Without the key, no copy of what they held can be read any more.
  await encryption?.keys.remove(threadId, epoch);
}

/**
 * Looks for documents of lives that a thread has not had yet: put there by damage or by hand. Documents
 * with a number that no life can have are removed.
 *
 * @returns the highest of the others
 */
async function removeInvented(
  { all }: Pick<Store, "all">,
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
  await deleteAll(all, { ...ofThread, epoch: last.epoch });
  return removeInvented({ all }, { threadId, epoch });
}
