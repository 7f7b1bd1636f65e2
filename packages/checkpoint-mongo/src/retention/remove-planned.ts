import type { SaverContext } from "../context/context.ts";
import { disownCopy } from "../store/away-thread.ts";
import {
  formatPlace,
  markSurvivors,
  measureCheckpoints,
  measureCondemned,
  removeCheckpoints,
} from "../store/prune-checkpoints.ts";
import { paceBatches } from "../store/paced-batches.ts";
import { createRemovalName } from "../store/removals.ts";
import { MIN_SWEEP_GRACE_MS } from "../store/sweep-grace.ts";
import { sweep } from "../upkeep/sweep-segments.ts";
import type { ThreadPlan } from "./plan-prune.ts";

/** What was removed of a thread. */
export interface RemovedOfThread {
  readonly threads: number;
  readonly checkpoints: number;
  readonly bytesFreed: number;
  readonly bytesToSweep: number;
}

/**
 * Removes checkpoints. Those that stay are marked first, and of those that go, the later ones go first. So wherever
 * the process dies, what is there is whole.
 */
export async function removePlanned(
  context: SaverContext,
  { threadId, epoch, namespaces }: ThreadPlan,
): Promise<RemovedOfThread> {
  const { store, cache } = context;
  let checkpoints = 0;
  let bytesFreed = 0;
  const sizes =
    namespaces.length === 0 ? new Map<string, number>() : await measureCheckpoints(store, threadId);
  if (namespaces.length > 0) {
    const removal = { threadId, epoch, name: createRemovalName() };
    const marks = namespaces.flatMap((plan) => plan.marks);
    await markSurvivors(store, marks, removal);
    cache.noteRemoval(removal);
  }
  for (const { namespace, removedIds } of namespaces) {
    for await (const batch of paceBatches(removedIds)) {
      const count = await removeCheckpoints(store, namespace, epoch, batch);
      for (const checkpointId of batch) {
        cache.forgetRecord({ ...namespace, checkpointId });
        // What another process has removed first does not count.
        if (count > 0)
          bytesFreed += sizes.get(formatPlace(namespace.checkpointNs, checkpointId)) ?? 0;
      }
      checkpoints += count;
    }
  }
  // What has gone to an archive store meanwhile may hold what was removed.
  if (checkpoints > 0) await disownCopy(store, threadId, epoch);
  const before = await measureCondemned(store, threadId);
  const { removed: swept } = await sweep(context, threadId, MIN_SWEEP_GRACE_MS);
  const bytesToSweep = await measureCondemned(store, threadId);
  if (swept > 0) bytesFreed += Math.max(0, before - bytesToSweep);
  return { threads: Number(checkpoints > 0), checkpoints, bytesFreed, bytesToSweep };
}
