import { removeCopies } from "../archive/remove-copies.ts";
import type { SaverContext } from "../context/context.ts";
import { PruneRefusedError } from "../errors/prune-refused-error.ts";
import { deleteThread } from "../store/end-life.ts";
import { measureThread } from "../store/measure-thread.ts";
import { scanThreadIds } from "../store/scan-thread.ts";
import { planPrune, type ThreadPlan } from "./plan-prune.ts";
import type { ResolvedPrune } from "./prune-options.ts";
import { removePlanned } from "./remove-planned.ts";

/** What a prune did. */
export interface PruneResult {
  /** Threads of which something was removed. */
  readonly threads: number;
  /** Checkpoints removed; of deleted threads, all of them. */
  readonly checkpoints: number;
  /** Bytes of the documents that were removed. */
  readonly bytesFreed: number;
  /**
   * Bytes of segments that nothing refers to any more. They are marked, because a put under way may still refer
   * to them. A prune or a `sweep` that comes at least 600 s later removes them.
   */
  readonly bytesToSweep: number;
  /** Threads left as they were, since a branch that waits for an answer would have gone. */
  readonly refused: readonly string[];
}

/**
 * Prunes threads, one after the other.
 *
 * @param threadIds undefined for all: those that would lose a branch that waits are then passed over
 * @throws PruneRefusedError if a named thread would lose one; nothing was changed
 */
export async function pruneThreads(
  context: SaverContext,
  threadIds: readonly string[] | undefined,
  { strategy, discardWaiting }: ResolvedPrune,
): Promise<PruneResult> {
  const sum = { threads: 0, checkpoints: 0, bytesFreed: 0, bytesToSweep: 0 };
  const refused: string[] = [];
  const add = (result: Partial<typeof sum>): void => {
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += result[key] ?? 0;
  };
  if (strategy.name === "delete") {
    for (const threadId of threadIds ?? []) add(await removeThread(context, threadId));
  } else if (threadIds === undefined) {
    for await (const threadId of scanThreadIds(context.store)) {
      try {
        const plan = await planPrune(context, threadId, strategy, discardWaiting);
        if (plan !== undefined) add(await removePlanned(context, plan));
      } catch (error) {
        if (!PruneRefusedError.isInstance(error)) throw error;
        refused.push(threadId);
      }
    }
  } else {
    // All plans come first: if one is refused, nothing has been changed.
    const plans: ThreadPlan[] = [];
    for (const threadId of new Set(threadIds)) {
      const plan = await planPrune(context, threadId, strategy, discardWaiting);
      if (plan !== undefined) plans.push(plan);
    }
    for (const plan of plans) add(await removePlanned(context, plan));
  }
  return { ...sum, refused };
}

async function removeThread(
  context: SaverContext,
  threadId: string,
): Promise<Partial<PruneResult>> {
  const { store, official, cache, deadline, settings } = context;
  await removeCopies(context, threadId);
  const { bytes, checkpoints } = await measureThread(store, threadId);
  await deleteThread(store, threadId, deadline, settings.deletedThreadSeconds);
  await official.deleteThread(threadId);
  cache.forgetThread(threadId);
  return { threads: Number(checkpoints > 0), checkpoints, bytesFreed: bytes };
}
