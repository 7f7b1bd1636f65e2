import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { SaverContext } from "../context/context.ts";
import { ThreadArchivedError } from "../errors/thread-archived-error.ts";
import { listTuples, type ListRequest } from "../read/list-tuples.ts";
import { restoreThread } from "./restore-thread.ts";

/** A thread that was brought back may be archived again before it is used, but not for ever. */
const MAX_ROUNDS = 5;

/**
 * Does something. If a thread that it needs is in the archive store, brings that back first.
 *
 * @param open for bringing it back: that has a deadline of its own
 */
export async function withArchived<T>(
  open: () => Promise<SaverContext>,
  act: () => Promise<T>,
): Promise<T> {
  for (let round = 1; ; round += 1) {
    try {
      return await act();
    } catch (error) {
      await bringBackFor(open, error, round);
    }
  }
}

/** Lists checkpoints. If the list is of a thread in the archive store, brings that back first. */
export async function* listWithArchived(
  open: () => Promise<SaverContext>,
  request: ListRequest,
): AsyncGenerator<CheckpointTuple> {
  for (let round = 1; ; round += 1) {
    try {
      yield* listTuples(await open(), request);
      return;
    } catch (error) {
      // It is thrown before anything of the thread is returned.
      await bringBackFor(open, error, round);
    }
  }
}

async function bringBackFor(
  open: () => Promise<SaverContext>,
  error: unknown,
  round: number,
): Promise<void> {
  if (!ThreadArchivedError.isInstance(error) || round >= MAX_ROUNDS) throw error;
  const context = await open();
  if (context.settings.archive === undefined) throw error;
  await restoreThread(context, error.threadId);
}
