import type { DocumentKind, ThreadDocument } from "../documents/index.ts";
import { isConflict } from "../driver/index.ts";
import { assertRecord } from "./assert-record.ts";
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
  const record = await findOrCreate(collections, threadId, expiresAt);
  assertRecord(record, threadId);
  const state = readState(record);
  if (record.deleted_at !== undefined) {
    await finishDeletion(collections, state);
    await collections.threads.updateOne(
      { ...matchRecord(threadId), epoch: state.epoch, deleted_at: { $exists: true } },
      expiresAt === undefined
        ? { $unset: { deleted_at: "", expires_at: "" } }
        : { $unset: { deleted_at: "" }, $set: { expires_at: outlive(expiresAt) } },
    );
    return openThread(collections, threadId, expiresAt);
  }
  // What the clock of this process says is confirmed before anything is taken for expired.
  if (isOver(record, collections.clock.nowMs())) {
    const nowMs = await collections.clock.ask(collections.db);
    if (isOver(record, nowMs)) {
      if (await isAlive(collections, record, nowMs)) {
        return changeExpiry(collections, state, expiresAt, true);
      }
      // Only this life of it: another process may have begun the next one, and written to it.
      await endLife(collections, matchThread(state));
      return openThread(collections, threadId, expiresAt);
    }
  }
  if (isExtending(record)) await finishExtension(collections, record);
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
 * @param extending when documents may go that have not been changed yet; true for never
 * @returns the thread as it is now; another process may have changed it otherwise
 */
export async function changeExpiry(
  collections: Collections,
  state: ThreadState,
  expiresAt: Date | undefined,
  extending: Date | true = state.expiresAt ?? true,
): Promise<ThreadState> {
  const { matchedCount } = await collections.threads.updateOne(
    // A change that is under way is finished first.
    { ...matchThread(state), extending: null },
    expiresAt === undefined
      ? { $unset: { expires_at: "" }, $set: { extending } }
      : { $set: { expires_at: outlive(expiresAt), extending } },
  );
  if (matchedCount === 0) return openThread(collections, state.threadId, expiresAt);
  const changed = { ...state, expiresAt };
  await finishExtension(collections, { ...toFields(changed), extending });
  return changed;
}

async function finishExtension(
  collections: Collections,
  record: Pick<ThreadDocument, "thread_id" | "epoch" | "expires_at" | "extending">,
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
  if (matchedCount === 0) await followChange(collections, state);
}

/**
 * A process that was slow to change the expiry may have changed it back in documents of a thread
 * that has another one by now. What the thread's record says holds for all of them.
 */
async function followChange(collections: Collections, state: ThreadState): Promise<void> {
  const record = await findRecord(collections, state.threadId);
  if (record === undefined) return;
  assertRecord(record, state.threadId);
  if (record.deleted_at !== undefined) return;
  const current = readState(record);
  if (!isSameState(current, state)) await changeExpiry(collections, current, current.expiresAt);
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
