import type { MongoDBSaver } from "../saver/mongodb-saver.ts";
import { asNotFound } from "./command-line-error.ts";

/** Threads asked for with one search. */
const BATCH = 1_000;

/**
 * Which of some threads are not there, neither in the index nor as the official saver stored them.
 *
 * @throws CommandLineError if a thread is missing and that is an error
 */
export async function findMissingThreads(
  saver: MongoDBSaver,
  threadIds: readonly string[],
  { isError }: { readonly isError: boolean },
): Promise<readonly string[]> {
  const indexed = new Set<string>();
  for (let start = 0; start < threadIds.length; start += BATCH) {
    const ids = threadIds.slice(start, start + BATCH);
    const { threads } = await saver.threads.search({ ids, limit: BATCH });
    for (const { threadId } of threads) indexed.add(threadId);
  }
  const missing: string[] = [];
  for (const threadId of threadIds) {
    if (!indexed.has(threadId) && !(await hasCheckpoint(saver, threadId))) missing.push(threadId);
  }
  if (isError && missing.length > 0) throw asMissingThreads(missing);
  return missing;
}

/** A thread that is not in the index may be one of the official saver's. */
async function hasCheckpoint(saver: MongoDBSaver, threadId: string): Promise<boolean> {
  for await (const _ of saver.list({ configurable: { thread_id: threadId } }, { limit: 1 })) {
    return true;
  }
  return false;
}

/** The error for threads that are not there. */
export function asMissingThreads(threadIds: readonly string[]): Error {
  const names = threadIds.map((threadId) => JSON.stringify(threadId)).join(", ");
  return asNotFound(
    `${threadIds.length === 1 ? `Thread ${names} is` : `Threads ${names} are`} not stored here: never written to, ` +
      "deleted, or expired. `threadkeep threads` lists those that are.",
  );
}
