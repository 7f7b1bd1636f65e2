import type { Document, Filter } from "mongodb";
import type { ThreadDocument } from "../documents/index.ts";
import { isConflict, readErrorCode } from "../driver/index.ts";
import { CorruptCheckpointError } from "../errors/index.ts";
import type { Chain, ChainOutcome, ChainUpdate } from "./chain.ts";
import type { Collections } from "./collections.ts";
import type { Submission } from "./group-commit.ts";
import { checkRecord, matchRecord, mendRecord } from "./mend-record.ts";
import { readThreadRecord, type ThreadRecord } from "./thread-record.ts";

/** What every write to a thread must know of it. */
export interface ThreadState {
  readonly threadId: string;
  /** Which life of the thread it is; each `deleteThread` begins the next. */
  readonly epoch: number;
  readonly expiresAt: Date | undefined;
}

/** How long the record of a deletion stays, so that late writers notice it. */
const TOMBSTONE_MS = 24 * 60 * 60 * 1_000;

/**
 * Opens a thread for writing, making it if it isn't there. A deleted or expired one begins a new
 * life; what another process left half done is finished first.
 *
 * @param expiresAt when a thread that is made now expires
 * @throws CorruptCheckpointError if the thread's record is damaged
 */
export async function openThread(
  collections: Collections,
  threadId: string,
  expiresAt: Date | undefined,
): Promise<ThreadState> {
  const document = await findOrCreate(collections, threadId, expiresAt);
  const record = readThreadRecord(document, threadId);
  const state = toState(record);
  if (record.deletedAt !== undefined) {
    await finishDeletion(collections, state);
    await collections.threads.updateOne(
      { ...matchRecord(threadId), epoch: state.epoch, deleted_at: { $exists: true } },
      withExpiry(expiresAt, { deleted_at: "" }),
    );
    return openThread(collections, threadId, expiresAt);
  }
  if (state.expiresAt !== undefined && state.expiresAt.getTime() <= Date.now()) {
    // Only this life of it: another process may have begun the next one, and written to it.
    await beginNextLife(collections, matchThread(state));
    return openThread(collections, threadId, expiresAt);
  }
  if (record.isExtending) await finishExtension(collections, state);
  return state;
}

/** A server may find several processes making the same record at once, and turn down the later. */
const CREATE_ATTEMPTS = 5;

async function findOrCreate(
  collections: Collections,
  threadId: string,
  expiresAt: Date | undefined,
): Promise<ThreadDocument> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const document = await collections.threads.findOneAndUpdate(
        matchRecord(threadId),
        {
          $setOnInsert: {
            _id: threadId,
            epoch: 0,
            ...(expiresAt && { expires_at: expiresAt }),
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
 * @returns the thread as it is now; another process may have changed it otherwise
 */
export async function changeExpiry(
  collections: Collections,
  state: ThreadState,
  expiresAt: Date | undefined,
): Promise<ThreadState> {
  const { matchedCount } = await collections.threads.updateOne(
    matchThread(state),
    expiresAt === undefined
      ? { $unset: { expires_at: "" }, $set: { extending: true } }
      : { $set: { expires_at: expiresAt, extending: true } },
  );
  if (matchedCount === 0) return openThread(collections, state.threadId, expiresAt);
  const changed = { ...state, expiresAt };
  await finishExtension(collections, changed);
  return changed;
}

/** In what order with others something is carried out. */
export interface SubmitOptions {
  /** What must come before. If it meets a conflict, that is a conflict of this, too. */
  readonly after?: readonly Submission[];
  /** Is called as soon as others can be sent to come after. */
  readonly onSubmitted?: ((submission: Submission) => void) | undefined;
}

/**
 * Carries out updates in order, but only while the thread is as the caller knows it: with another
 * life or another expiry it is a conflict. If that comes about meanwhile, what was stored belongs to
 * the earlier one, and the caller has to store it again.
 */
export async function writeFenced(
  { commits }: Collections,
  thread: ThreadState,
  updates: Chain,
  { after, onSubmitted }: SubmitOptions = {},
): Promise<ChainOutcome> {
  const submission = await commits.submit([fence(thread), ...updates, fence(thread)], after);
  onSubmitted?.(submission);
  const outcome = await submission.outcome;
  return outcome.kind === "conflict"
    ? outcome
    : { ...outcome, inserted: new Set(Array.from(outcome.inserted, (index) => index - 1)) };
}

/**
 * An update that changes nothing, but fails, and so ends its chain, if the thread has another life
 * or another expiry by now: its upsert then collides with the thread's own record. Where there is no
 * record, it makes one: a thread that is new needs no command of its own.
 */
function fence(state: ThreadState): ChainUpdate {
  return {
    // A change of the expiry that is under way is finished first, by whoever opens the thread.
    filter: { ...matchThread(state), extending: null } as Filter<Document>,
    update: { $setOnInsert: { _id: state.threadId } },
    upsert: true,
  };
}

/**
 * The part of an update that makes a document one of this life of its thread, whether it is new or
 * was there before.
 */
export function claim({ epoch, expiresAt }: ThreadState): {
  readonly $set: Record<string, unknown>;
  readonly $unset: Record<string, "">;
} {
  return {
    $set: {
      ...(epoch > 0 && { epoch }),
      ...(expiresAt !== undefined && { expires_at: expiresAt }),
    },
    $unset: {
      ...(epoch === 0 && { epoch: "" as const }),
      ...(expiresAt === undefined && { expires_at: "" as const }),
    },
  };
}

/** Deletes a thread. What is written to it from now on belongs to its next life. */
export async function deleteThread(collections: Collections, threadId: string): Promise<void> {
  try {
    if (await beginNextLife(collections, matchRecord(threadId))) return;
  } catch (error) {
    if (!CorruptCheckpointError.isInstance(error) && readErrorCode(error) !== TYPE_MISMATCH) {
      throw error;
    }
  }
  // The record is damaged or missing. Without it nothing would go.
  if (!(await mendRecord(collections, threadId))) return;
  await beginNextLife(collections, matchRecord(threadId));
}

/** What a server says of a number that is to be counted up and is none. */
const TYPE_MISMATCH = 14;

/** @returns whether there was a record to begin it with */
async function beginNextLife(
  collections: Collections,
  filter: Filter<ThreadDocument>,
): Promise<boolean> {
  const now = Date.now();
  const document = await collections.threads.findOneAndUpdate(
    filter,
    {
      $inc: { epoch: 1 },
      $set: { deleted_at: new Date(now), expires_at: new Date(now + TOMBSTONE_MS) },
      $unset: { extending: "" },
    },
    { returnDocument: "after" },
  );
  if (document === null) return false;
  const state = toState(readThreadRecord(document, document.thread_id));
  await finishDeletion(collections, state);
  return true;
}

async function finishDeletion(collections: Collections, state: ThreadState): Promise<void> {
  // Not those of a life that has begun meanwhile. Checkpoints go first: what they refer to is then
  // out of reach.
  const earlier = { thread_id: state.threadId, epoch: { $not: { $gte: state.epoch } } };
  await collections.checkpoints.deleteMany({ ...earlier, kind: "checkpoint" });
  await collections.writes.deleteMany({ ...earlier, kind: "writes" });
  // With segments, whatever damage has taken its kind.
  await collections.all.deleteMany({ ...earlier, kind: { $ne: "thread" } });
}

async function finishExtension(collections: Collections, state: ThreadState): Promise<void> {
  const all = { thread_id: state.threadId };
  const update = withExpiry(state.expiresAt);
  // Checkpoints go last: as long as one is there, what it refers to is.
  await collections.segments.updateMany({ ...all, kind: "segment" }, update);
  await collections.writes.updateMany({ ...all, kind: "writes" }, update);
  await collections.checkpoints.updateMany({ ...all, kind: "checkpoint" }, update);
  const { matchedCount } = await collections.threads.updateOne(
    { ...matchThread(state), extending: true },
    { $unset: { extending: "" } },
  );
  if (matchedCount === 0) await followChange(collections, state);
}

/**
 * A process that was slow to change the expiry may have changed it back in documents of a thread
 * that has another one by now. What the thread's record says holds for all of them.
 */
async function followChange(collections: Collections, state: ThreadState): Promise<void> {
  const document = await collections.threads.findOne(matchRecord(state.threadId));
  if (document === null) return;
  const record = readThreadRecord(document, state.threadId);
  if (record.deletedAt !== undefined) return;
  const current = toState(record);
  if (!isSameState(current, state)) await changeExpiry(collections, current, current.expiresAt);
}

function withExpiry(
  expiresAt: Date | undefined,
  unset: Record<string, ""> = {},
): Record<string, Record<string, unknown>> {
  return expiresAt === undefined
    ? { $unset: { ...unset, expires_at: "" } }
    : {
        $set: { expires_at: expiresAt },
        ...(Object.keys(unset).length > 0 && { $unset: unset }),
      };
}

function matchThread({ threadId, epoch, expiresAt }: ThreadState): Filter<ThreadDocument> {
  // No time of expiry, as null, matches a record without the field. The other way round, an upsert
  // of a record that is missing could not do without it.
  return { ...matchRecord(threadId), epoch, expires_at: expiresAt ?? null };
}

/** Whether a thread is in the same life and expires at the same time. */
export function isSameState(
  a: Omit<ThreadState, "threadId">,
  b: Omit<ThreadState, "threadId">,
): boolean {
  return a.epoch === b.epoch && a.expiresAt?.getTime() === b.expiresAt?.getTime();
}

function toState({ threadId, epoch, expiresAt }: ThreadRecord): ThreadState {
  return { threadId, epoch, expiresAt };
}
