import type { CheckpointAddress } from "../address/address.ts";
import { removeCopies } from "../archive/remove-copies.ts";
import type { SaverContext } from "../context/context.ts";
import { PruneRefusedError } from "../errors/prune-refused-error.ts";
import { readRecord } from "../records/checkpoint-record.ts";
import { deleteThread } from "../store/end-life.ts";
import { measureThread } from "../store/measure-thread.ts";
import {
  findChildren,
  markCut,
  measureCondemned,
  PRUNE_BATCH,
  removeCheckpoints,
} from "../store/prune-checkpoints.ts";
import { scanThreadIds } from "../store/scan-thread.ts";
import { MIN_SWEEP_GRACE_MS } from "../store/sweep-grace.ts";
import { sweep } from "../upkeep/sweep-segments.ts";
import { planPrune, type PrunePlan } from "./plan-prune.ts";
import type { ResolvedPrune } from "./prune-options.ts";

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
        if (plan !== undefined) add(await prune(context, plan));
      } catch (error) {
        if (!PruneRefusedError.isInstance(error)) throw error;
        refused.push(threadId);
      }
    }
  } else {
    // All plans come first: if one is refused, nothing has been changed.
    const plans: PrunePlan[] = [];
    for (const threadId of new Set(threadIds)) {
      const plan = await planPrune(context, threadId, strategy, discardWaiting);
      if (plan !== undefined) plans.push(plan);
    }
    for (const plan of plans) add(await prune(context, plan));
  }
  return { ...sum, refused };
}

async function removeThread(
  context: SaverContext,
  threadId: string,
): Promise<Partial<PruneResult>> {
  const { store, official, cache, deadline } = context;
  await removeCopies(context, threadId);
  const { bytes, checkpoints } = await measureThread(store, threadId);
  await deleteThread(store, threadId, deadline);
  await official.deleteThread(threadId);
  cache.forgetThread(threadId);
  return { threads: Number(checkpoints > 0), checkpoints, bytesFreed: bytes };
}

/**
 * Removes checkpoints. Children that stay are marked first, and of those that go, the later ones go first. So
 * wherever the process dies, what is there is whole.
 */
async function prune(
  context: SaverContext,
  { threadId, epoch, removed }: PrunePlan,
): Promise<Partial<PruneResult>> {
  const { store, cache } = context;
  let checkpoints = 0;
  let bytesFreed = 0;
  for (const own of Map.groupBy(removed, ({ checkpointNs }) => checkpointNs).values()) {
    const gone = new Set(own.map(({ checkpointId }) => checkpointId));
    for (let start = 0; start < own.length; start += PRUNE_BATCH) {
      const batch = own.slice(start, start + PRUNE_BATCH);
      await markChildren(context, batch, gone);
      const ids = batch.map(({ checkpointId }) => checkpointId);
      const done = await removeCheckpoints(store, batch[0]!, epoch, ids);
      for (const address of batch) cache.forgetRecord(address);
      // A child may have been put since the first look.
      await markChildren(context, batch, gone);
      checkpoints += done.checkpoints;
      bytesFreed += done.bytes;
    }
  }
  const before = await measureCondemned(store, threadId);
  const { removed: swept } = await sweep(store, threadId, MIN_SWEEP_GRACE_MS);
  const bytesToSweep = await measureCondemned(store, threadId);
  if (swept > 0) bytesFreed += Math.max(0, before - bytesToSweep);
  return { threads: Number(checkpoints > 0), checkpoints, bytesFreed, bytesToSweep };
}

/** Marks the children of checkpoints, unless they go as well. */
async function markChildren(
  { store, hasher }: SaverContext,
  batch: readonly CheckpointAddress[],
  gone: ReadonlySet<string>,
): Promise<void> {
  const ids = batch.map(({ checkpointId }) => checkpointId);
  for (const child of await findChildren(store, batch[0]!, ids)) {
    if (gone.has(child.checkpoint_id) || child.parent_hash === undefined) continue;
    const { address, epoch, hash } = readRecord(child, hasher);
    const { key_name: keyName } = child;
    await markCut(store, child, hasher.hashCut({ address, epoch, keyName, hash }));
  }
}
