import type { SaverContext } from "../context/context.ts";
import type { ThreadDocument } from "../documents/documents.ts";
import { ThreadNotFoundError } from "../errors/thread-not-found-error.ts";
import type { FencedThread } from "../store/fenced-thread.ts";
import { assertRecord } from "../store/assert-record.ts";
import { assertHere } from "../store/away-thread.ts";
import { findRecord, isAlive } from "../store/thread-record.ts";
import { prepareThread } from "../threads/prepare-thread.ts";

/** A thread whose history is looked at or changed. */
export interface OpenedThread {
  readonly thread: FencedThread;
  readonly record: ThreadDocument;
}

/**
 * Finds the record of a thread that is alive.
 *
 * @throws ThreadNotFoundError if it is not
 * @throws ThreadArchivedError if it is in the archive store
 */
export async function requireRecord(
  { store }: Pick<SaverContext, "store">,
  threadId: string,
): Promise<ThreadDocument> {
  const record = await findRecord(store, threadId);
  if (record === undefined || !isAlive(record, store.estimateTime())) {
    throw new ThreadNotFoundError(threadId, "saver.threads.search() finds those that are.");
  }
  assertRecord(record, threadId);
  assertHere(record);
  return record;
}

/**
 * Gets a thread ready to be changed, as it is on the server.
 *
 * @returns undefined if it ended meanwhile
 * @throws ThreadNotFoundError if it is not there
 */
export async function openThread(
  context: SaverContext,
  threadId: string,
): Promise<OpenedThread | undefined> {
  // Whatever this process remembers may be out of date.
  context.cache.forgetThread(threadId);
  await requireRecord(context, threadId);
  const thread = await prepareThread(context, threadId);
  const record = await requireRecord(context, threadId);
  return record.epoch === thread.epoch ? { thread, record } : undefined;
}
