import type { DocumentKind, ThreadDocument } from "../documents/documents.ts";
import { isConflict } from "../driver/bulk-errors.ts";
import { assertRecord } from "./assert-record.ts";
import { ChangeRounds } from "./change-rounds.ts";
import type { Collections } from "./collections.ts";
import { endLife, finishDeletion } from "./end-life.ts";
import { checkRecord } from "./mend-record.ts";
import {
  findRecord,
  isExtending,
  isOver,
  isSameState,
  matchRecord,
  matchThread,
  outlive,
  readState,
  type ThreadState,
} from "./thread-record.ts";

/**
 * Says when a thread expires whose date is set now. It is asked for each attempt: a date of a while ago
 * may have passed by the time that it is set, and the thread would end as soon as it began.
 */
export type ChooseExpiry = () => Date | undefined;

/**
 * Opens a thread for writing, making it if it isn't there. A deleted or expired one begins a new
 * life; what another process left half done is finished first.
 *
 * @param chooseExpiry when a thread that is made now expires
 * @throws CorruptCheckpointError if the thread's record is damaged
 * @throws WriteConflictError if it is changed over and over again meanwhile
 */
export async function openThread(
  collections: Collections,
  threadId: string,
  chooseExpiry: ChooseExpiry,
  rounds: ChangeRounds = new ChangeRounds(threadId),
): Promise<ThreadState> {
  await rounds.begin();
  const record = await findOrCreate(collections, threadId, chooseExpiry);
  assertRecord(record, threadId);
  const state = readState(record);
  if (record.deleted_at !== undefined) {
    await finishDeletion(collections, state);
    const expiresAt = chooseExpiry();
    await collections.threads.updateOne(
      { ...matchRecord(threadId), epoch: state.epoch, deleted_at: { $exists: true } },
      expiresAt === undefined
        ? { $unset: { deleted_at: "", expires_at: "" } }
        : { $unset: { deleted_at: "" }, $set: { expires_at: outlive(expiresAt) } },
    );
    return openThread(collections, threadId, chooseExpiry, rounds);
  }
  // What the clock of this process says is confirmed before anything is taken for expired.
  if (isOver(record, collections.clock.nowMs())) {
    const nowMs = await collections.clock.ask(collections.db);
    if (isOver(record, nowMs)) {
      if (await isAlive(collections, record, nowMs)) {
        return changeExpiry(collections, state, chooseExpiry, true, rounds);
      }
      // Only this life of it: another process may have begun the next one, and written to it.
      await endLife(collections, matchThread(state));
      return openThread(collections, threadId, chooseExpiry, rounds);
    }
  }
  if (isExtending(record)) await finishExtension(collections, record, rounds);
  return state;
}

/**
 * Whether all documents of a thread contradict its record, which says that it has expired: then the
 * record is damaged, and the thread goes on.
 */
async function isAlive(
  { all }: Collections,
  record: ThreadDocument,
  nowMs: number,
): Promise<boolean> {
  if (isExtending(record)) return false;
  const { threadId, epoch } = readState(record);
  const ofLife = {
    thread_id: threadId,
    kind: { $ne: "thread" satisfies DocumentKind },
    // The first life has no number.
    epoch: epoch === 0 ? null : epoch,
  };
  const now = new Date(nowMs);
  const expired = await all.findOne({ ...ofLife, expires_at: { $lte: now } });
  return expired === null && (await all.findOne(ofLife)) !== null;
}

/** A server may find several processes making the same record at once, and turn down the later. */
const CREATE_ATTEMPTS = 5;

async function findOrCreate(
  collections: Collections,
  threadId: string,
  chooseExpiry: ChooseExpiry,
): Promise<ThreadDocument> {
  for (let attempt = 1; ; attempt += 1) {
    const expiresAt = chooseExpiry();
    try {
      const document = await collections.threads.findOneAndUpdate(
        matchRecord(threadId),
        {
          $setOnInsert: {
            _id: threadId,
            epoch: 0,
            ...(expiresAt && { expires_at: outlive(expiresAt) }),
          },
        },
        { upsert: true, returnDocument: "after" },
      );
      // MongoDB always returns it; a compatible server may not to whoever came second.
      if (document !== null) return document;
      if (attempt === CREATE_ATTEMPTS) {
        throw new Error(`The server returned no record of thread "${threadId}".`);
      }
    } catch (error) {
      if (!isConflict(error)) throw error;
      if (attempt === CREATE_ATTEMPTS) {
        await checkRecord(collections, threadId);
        throw error;
      }
    }
  }
}

/**
 * Changes when a thread expires, for all of its documents. If the process dies in between, whoever
 * opens the thread next finishes it.
 *
 * @param chooseExpiry when it is to expire, as it is or as the next life
 * @param extending when documents may go that have not been changed yet; true for never
 * @returns the thread as it is now; another process may have changed it otherwise
 * @throws WriteConflictError if it is changed over and over again meanwhile
 */
export async function changeExpiry(
  collections: Collections,
  state: ThreadState,
  chooseExpiry: ChooseExpiry,
  extending: Date | true = state.expiresAt ?? true,
  rounds: ChangeRounds = new ChangeRounds(state.threadId),
): Promise<ThreadState> {
  const changed = await moveThread(collections, state, chooseExpiry(), extending, rounds);
  return changed ?? openThread(collections, state.threadId, chooseExpiry, rounds);
}

/**
 * Gives all documents of a thread the expiry that it has: some may have got another one since.
 *
 * @param chooseExpiry of the next life, if this one has ended
 */
export async function spreadExpiry(
  collections: Collections,
  state: ThreadState,
  chooseExpiry: ChooseExpiry,
): Promise<void> {
  const rounds = new ChangeRounds(state.threadId);
  const extending = state.expiresAt ?? true;
  const moved = await moveThread(collections, state, state.expiresAt, extending, rounds);
  if (moved === undefined) await openThread(collections, state.threadId, chooseExpiry, rounds);
}

/** @returns undefined if the thread is not as it was, or is being moved already */
async function moveThread(
  collections: Collections,
  state: ThreadState,
  expiresAt: Date | undefined,
  extending: Date | true,
  rounds: ChangeRounds,
): Promise<ThreadState | undefined> {
  const { matchedCount } = await collections.threads.updateOne(
    // A change that is under way is finished first.
    { ...matchThread(state), extending: null },
    expiresAt === undefined
      ? { $unset: { expires_at: "" }, $set: { extending } }
      : { $set: { expires_at: outlive(expiresAt), extending } },
  );
  if (matchedCount === 0) return undefined;
  const changed = { ...state, expiresAt };
  await finishExtension(collections, { ...toFields(changed), extending }, rounds);
  return changed;
}

async function finishExtension(
  collections: Collections,
  record: Pick<ThreadDocument, "thread_id" | "epoch" | "expires_at" | "extending">,
  rounds: ChangeRounds,
): Promise<void> {
  const state = readState(record as ThreadDocument);
  const all = { thread_id: state.threadId };
  const update = moveExpiry(record.extending, state.expiresAt);
  // Checkpoints go last: as long as one is there, what it refers to is.
  await collections.segments.updateMany({ ...all, kind: "segment" }, update);
  await collections.writes.updateMany({ ...all, kind: "writes" }, update);
  await collections.checkpoints.updateMany({ ...all, kind: "checkpoint" }, update);
  const { matchedCount } = await collections.threads.updateOne(
    { ...matchThread(state), extending: { $ne: null } },
    { $unset: { extending: "" } },
  );
  if (matchedCount === 0) await followChange(collections, state, rounds);
}

/**
 * A process that was slow to change the expiry may have changed it back in documents of a thread
 * that has another one by now. What the thread's record says holds for all of them.
 */
async function followChange(
  collections: Collections,
  state: ThreadState,
  rounds: ChangeRounds,
): Promise<void> {
  await rounds.begin();
  const record = await findRecord(collections, state.threadId);
  if (record === undefined) return;
  assertRecord(record, state.threadId);
  if (record.deleted_at !== undefined) return;
  const current = readState(record);
  if (isSameState(current, state)) return;
  if (isExtending(record)) return finishExtension(collections, record, rounds);
  const extending = current.expiresAt ?? true;
  const moved = await moveThread(collections, current, current.expiresAt, extending, rounds);
  // It has been changed once more. That a life has ended is for whoever opens the thread.
  if (moved === undefined) await followChange(collections, state, rounds);
}

/**
 * The update that moves the expiry of a document. Where it is moved further ahead, never back: whoever
 * is slow to do it may come after one who has moved it still further.
 */
function moveExpiry(
  from: ThreadDocument["extending"],
  to: Date | undefined,
): Record<string, Record<string, unknown>> {
  if (to === undefined) return { $unset: { expires_at: "" } };
  const isAhead = from instanceof Date && from.getTime() < to.getTime();
  return isAhead ? { $max: { expires_at: to } } : { $set: { expires_at: to } };
}

function toFields({
  threadId,
  epoch,
  expiresAt,
}: ThreadState): Pick<ThreadDocument, "thread_id" | "epoch" | "expires_at"> {
  return {
    thread_id: threadId,
    epoch,
    expires_at: expiresAt === undefined ? null : outlive(expiresAt),
  };
}
