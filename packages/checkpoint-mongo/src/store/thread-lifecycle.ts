import type { PushOperator } from "mongodb";
import type { DocumentKind, ThreadDocument } from "../documents/documents.ts";
import { updateAll } from "../driver/change-many.ts";
import { isConflict } from "../driver/bulk-errors.ts";
import { ThreadDeletedError } from "../errors/thread-deleted-error.ts";
import { assertRecord } from "./assert-record.ts";
import type { ChangeRounds } from "./change-rounds.ts";
import { abandonCopy } from "./copy-life.ts";
import { endLife, finishDeletion } from "./end-life.ts";
import { refuseArrival } from "./refuse-arrival.ts";
import { assertHere } from "./away-thread.ts";
import { checkRecord } from "./mend-record.ts";
import type { Store } from "./store.ts";
import {
  findRecord,
  isExtending,
  isOver,
  isSameState,
  matchHolder,
  matchRecord,
  matchThread,
  outlive,
  readHold,
  readState,
  type OpenedThread,
  type ThreadState,
  type WriterToken,
} from "./thread-record.ts";

/**
 * Says when a thread expires whose date is set now. It is asked at each attempt: an earlier date may
 * have passed by the time it is set, and the thread would end as soon as it began.
 */
export type ChooseExpiry = () => Date | undefined;

/**
 * Opens a thread for writing, making it if it is not there. A deleted or expired one begins a new
 * life; what another process left half done is finished first.
 *
 * @param chooseExpiry when a thread that is made now expires
 * @throws CorruptCheckpointError if the thread's record is damaged
 * @throws ThreadArchivedError if the thread is in the archive store
 * @throws ThreadDeletedError if it was deleted, and takes no writes yet
 * @throws WriteConflictError if others keep changing it meanwhile
 */
export async function openThread(
  store: Store,
  threadId: string,
  chooseExpiry: ChooseExpiry,
  rounds: ChangeRounds,
): Promise<OpenedThread> {
  await rounds.begin();
  const record = await findOrCreate(store, threadId, chooseExpiry);
  assertRecord(record, threadId);
  assertHere(record);
  const state = readState(record);
  if (record.deleted_at !== undefined) {
    if ((record.refused_until?.getTime() ?? 0) > store.estimateTime()) {
      throw new ThreadDeletedError(threadId);
    }
    // Whoever writes to a thread that is being imported or copied to comes first.
    if (record.arriving !== undefined) {
      await refuseArrival(store, record);
      return openThread(store, threadId, chooseExpiry, rounds);
    }
    if (record.copying !== undefined) {
      await abandonCopy(store, record);
      return openThread(store, threadId, chooseExpiry, rounds);
    }
    await finishDeletion(store, record);
    const expiresAt = chooseExpiry();
    const created = { created_at: new Date(store.estimateTime()) };
    await store.threads.updateOne(
      { ...matchRecord(threadId), epoch: state.epoch, deleted_at: { $exists: true } },
      expiresAt === undefined
        ? { $unset: { deleted_at: "", refused_until: "", expires_at: "" }, $set: created }
        : {
            $unset: { deleted_at: "", refused_until: "" },
            $set: { ...created, expires_at: outlive(expiresAt) },
          },
    );
    return openThread(store, threadId, chooseExpiry, rounds);
  }
  // What the clock of this process says is confirmed before anything is taken for expired.
  if (isOver(record, store.estimateTime())) {
    const nowMs = await store.askTime();
    if (isOver(record, nowMs)) {
      if (await isAlive(store, record, nowMs)) {
        return changeExpiry(store, state, chooseExpiry, rounds, "any", true);
      }
      // Only this life of it: another process may have begun the next one, and written to it.
      await endLife(store, threadId, matchThread(state), rounds.deadline);
      return openThread(store, threadId, chooseExpiry, rounds);
    }
  }
  if (isExtending(record)) await finishExtension(store, record, rounds);
  return { ...state, hold: readHold(record) };
}

/**
 * Whether all documents of a thread contradict a record that says the thread has expired. Then the
 * record is damaged, and the thread continues.
 */
async function isAlive({ all }: Store, record: ThreadDocument, nowMs: number): Promise<boolean> {
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

/** If several processes make the same record at once, a server may refuse the later ones. */
const CREATE_ATTEMPTS = 5;

async function findOrCreate(
  store: Store,
  threadId: string,
  chooseExpiry: ChooseExpiry,
): Promise<ThreadDocument> {
  for (let attempt = 1; ; attempt += 1) {
    const expiresAt = chooseExpiry();
    try {
      const document = await store.threads.findOneAndUpdate(
        matchRecord(threadId),
        {
          $setOnInsert: {
            _id: threadId,
            epoch: 0,
            created_at: new Date(store.estimateTime()),
            ...(expiresAt && { expires_at: outlive(expiresAt) }),
          },
        },
        { upsert: true, returnDocument: "after" },
      );
      // MongoDB always returns it; a compatible server may not return it to the second writer.
      if (document !== null) return document;
      if (attempt === CREATE_ATTEMPTS) {
        throw new Error(`The server returned no record of thread "${threadId}".`);
      }
    } catch (error) {
      if (!isConflict(error)) throw error;
      if (attempt === CREATE_ATTEMPTS) {
        await checkRecord(store, threadId);
        throw error;
      }
    }
  }
}

/**
 * Changes when a thread expires, for all of its documents. If the process dies in between, whoever
 * opens the thread next finishes it.
 *
 * @param chooseExpiry says when it is to expire, in this life or the next
 * @param token of who changes it: somebody else who holds the thread is not disturbed
 * @param extending when documents may go that have not been changed yet; true for never
 * @returns the thread as it is now; another process may have changed it otherwise
 * @throws WriteConflictError if others keep changing it meanwhile
 */
export async function changeExpiry(
  store: Store,
  state: ThreadState,
  chooseExpiry: ChooseExpiry,
  rounds: ChangeRounds,
  token: WriterToken,
  extending: Date | true = state.expiresAt ?? true,
): Promise<OpenedThread> {
  const changed = await moveThread(store, state, chooseExpiry(), extending, rounds, token);
  return changed ?? openThread(store, state.threadId, chooseExpiry, rounds);
}

/** What overrides the TTL of the saver from now on; null for nothing. */
export type NewRetention = number | "pinned" | null;

/**
 * Changes what decides when a thread expires, and its expiry with it, in all of its documents.
 *
 * @returns undefined if the thread is not as it was
 */
export function changeRetention(
  store: Store,
  state: ThreadState,
  retention: NewRetention,
  expiresAt: Date | undefined,
  rounds: ChangeRounds,
): Promise<ThreadState | undefined> {
  const extending = state.expiresAt ?? true;
  return moveThread(store, state, expiresAt, extending, rounds, "any", retention);
}

/**
 * Gives all documents of a thread the expiry that it has: some may have got another one since.
 *
 * @param chooseExpiry of the next life, if this one has ended
 */
export async function spreadExpiry(
  store: Store,
  state: ThreadState,
  chooseExpiry: ChooseExpiry,
  rounds: ChangeRounds,
): Promise<void> {
  const extending = state.expiresAt ?? true;
  const moved = await moveThread(store, state, state.expiresAt, extending, rounds, "any");
  if (moved === undefined) await openThread(store, state.threadId, chooseExpiry, rounds);
}

/** @returns undefined if the thread is not as it was, or is being moved already */
async function moveThread(
  store: Store,
  state: ThreadState,
  expiresAt: Date | undefined,
  extending: Date | true,
  rounds: ChangeRounds,
  token: WriterToken,
  retention?: NewRetention,
): Promise<ThreadState | undefined> {
  const { matchedCount } = await store.threads.updateOne(
    // A change that is under way is finished first. Another retention asks for another date.
    {
      ...matchThread(state),
      ...matchHolder(token),
      extending: null,
      retention: (state.retention ?? null) as number,
    },
    {
      $set: {
        extending,
        ...(expiresAt !== undefined && { expires_at: outlive(expiresAt) }),
        ...(retention != null && { retention }),
      },
      $unset: {
        ...(expiresAt === undefined && { expires_at: "" }),
        ...(retention === null && { retention: "" }),
      },
      ...(!isSameState({ ...state, expiresAt }, state) && { $push: noteFormer(state) }),
    },
  );
  if (matchedCount === 0) return undefined;
  const { retention: former, ...rest } = state;
  const current = retention === undefined ? former : (retention ?? undefined);
  const changed = { ...rest, expiresAt, ...(current !== undefined && { retention: current }) };
  await finishExtension(store, { ...toFields(changed), extending }, rounds);
  return changed;
}

/**
 * Documents stored under a former expiry are there until that has passed, at most. An expiry is seldom moved more
 * often in that time.
 */
const MAX_FORMER_EXPIRIES = 16;

function noteFormer({ expiresAt }: ThreadState): PushOperator<ThreadDocument> {
  const former = expiresAt === undefined ? null : outlive(expiresAt);
  return { former_expiries: { $each: [former], $slice: -MAX_FORMER_EXPIRIES } };
}

async function finishExtension(
  store: Store,
  record: Pick<ThreadDocument, "thread_id" | "epoch" | "expires_at" | "extending">,
  rounds: ChangeRounds,
): Promise<void> {
  const state = readState(record as ThreadDocument);
  const all = { thread_id: state.threadId };
  const update = moveExpiry(record.extending, state.expiresAt);
  // Checkpoints go last: as long as one is there, what it refers to is.
  await updateAll(store.segments, { ...all, kind: "segment" }, update);
  await updateAll(store.writes, { ...all, kind: "writes" }, update);
  const kinds: readonly DocumentKind[] = ["checkpoint", "discarded"];
  await updateAll(store.all, { ...all, kind: { $in: [...kinds] } }, update);
  const { matchedCount } = await store.threads.updateOne(
    { ...matchThread(state), extending: { $ne: null } },
    // Who copies the thread to the archive store sees by this that it may be written to again.
    { $unset: { extending: "", leaving: "" } },
  );
  if (matchedCount > 0) return;
  await followChange(store, state, rounds, isMoveAhead(record.extending, state.expiresAt));
}

/**
 * A process that was slow to change the expiry may have changed it back in documents of a thread
 * that has another one by now. What the thread's record says holds for all of them.
 *
 * @param wasAhead whether its change moved nothing back
 */
async function followChange(
  store: Store,
  state: ThreadState,
  rounds: ChangeRounds,
  wasAhead: boolean,
): Promise<void> {
  await rounds.begin();
  const record = await findRecord(store, state.threadId);
  if (record === undefined) return;
  assertRecord(record, state.threadId);
  if (record.deleted_at !== undefined) return;
  const current = readState(record);
  if (isSameState(current, state)) return;
  // Whoever moved it further ahead takes all documents along. To help with every such move could take
  // as long as there are writers.
  if (wasAhead && isMoveAhead(state.expiresAt, current.expiresAt)) return;
  if (isExtending(record)) return finishExtension(store, record, rounds);
  const extending = current.expiresAt ?? true;
  const moved = await moveThread(store, current, current.expiresAt, extending, rounds, "any");
  // It was changed once more. Whoever opens the thread deals with a life that has ended.
  if (moved === undefined) await followChange(store, state, rounds, wasAhead);
}

/**
 * The update that moves the expiry of a document. If it moves ahead, it never moves back: a slow
 * process may come after another that has moved it further.
 */
function moveExpiry(
  from: ThreadDocument["extending"],
  to: Date | undefined,
): Record<string, Record<string, unknown>> {
  if (to === undefined) return { $unset: { expires_at: "" } };
  return isMoveAhead(from, to) ? { $max: { expires_at: to } } : { $set: { expires_at: to } };
}

function isMoveAhead(from: ThreadDocument["extending"], to: Date | undefined): boolean {
  return from instanceof Date && to !== undefined && from.getTime() < to.getTime();
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
