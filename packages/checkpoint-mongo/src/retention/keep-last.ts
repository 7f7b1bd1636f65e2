import type { CheckpointAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";
import { markSurvivors, removeUncounted } from "../store/prune-checkpoints.ts";
import { createRemovalName } from "../store/removals.ts";
import { listBackups } from "../store/rollback-entries.ts";
import { scanDiscarded, scanNamespace } from "../store/scan-thread.ts";
import { MIN_SWEEP_GRACE_MS } from "../store/sweep-grace.ts";
import { findRecord } from "../store/thread-record.ts";
import { sweep } from "../upkeep/sweep-segments.ts";
import { addNeeded } from "./needed-ancestors.ts";
import { findWaiting, planNamespace } from "./plan-namespace.ts";
import { readPlanned, type PlannedCheckpoint } from "./planned-checkpoint.ts";
import { removeTaskNamespaces } from "./task-namespaces.ts";

/** A namespace is pruned once in at least so many of its puts. */
const MIN_INTERVAL = 32;

/** A thread's segments are swept once in so many prunes of its root graph. */
const PRUNES_PER_SWEEP = 8;

/**
 * Prunes a namespace after a put, if that is due: the last checkpoints stay, the ancestors that they need, and
 * branches that wait for an answer. Each prune reads about as many checkpoints as were put since the one before, so
 * a put costs the same on average however long the thread is.
 *
 * What fails is reported and not thrown: the checkpoint is stored, and a later put prunes.
 */
export async function keepLast(
  context: SaverContext,
  { address, seq, epoch }: Pick<CheckpointRecord, "address" | "seq" | "epoch">,
): Promise<void> {
  const { cache, settings } = context;
  const { keepLast: count } = settings;
  if (count === undefined) return;
  const interval = Math.max(MIN_INTERVAL, count);
  if (seq % interval !== 0 || seq < cache.getNextPrune(address)) return;
  try {
    const stayed = await pruneNamespace(context, address, epoch, count);
    // Where much has to stay, it is not read again before as much has come.
    if (stayed > 2 * interval) cache.setNextPrune(address, seq + stayed);
    if (address.checkpointNs === "" && seq % (interval * PRUNES_PER_SWEEP) === 0) {
      await sweep(context, address.threadId, MIN_SWEEP_GRACE_MS);
    }
  } catch (error) {
    const { threadId, checkpointNs } = address;
    settings.onEvent({ type: "keep-last-failed", threadId, checkpointNs, error });
  }
}

/** @returns how many stayed */
async function pruneNamespace(
  context: SaverContext,
  address: CheckpointAddress,
  epoch: number,
  count: number,
): Promise<number> {
  const { store, cache, hasher } = context;
  const own: PlannedCheckpoint[] = [];
  for await (const document of scanNamespace(store, address)) {
    if ((document.epoch ?? 0) === epoch) own.push(await readPlanned(context, document));
  }
  const last = own.slice(-count);
  const waiting = await findWaiting(context, own, own.slice(0, -count));
  const backups = address.checkpointNs === "" ? await findBackups(context, address) : undefined;
  const restorable = own.filter(({ address: { checkpointId } }) => backups?.has(checkpointId));
  // What a rollback has discarded stays whole as long as it may come back.
  const aside: PlannedCheckpoint[] = [];
  for await (const document of scanDiscarded(store, address.threadId)) {
    const isOwn = document.checkpoint_ns === address.checkpointNs;
    if (isOwn && (document.epoch ?? 0) === epoch) aside.push(await readPlanned(context, document));
  }
  const all = [...own, ...aside].toSorted((a, b) => a.seq - b.seq);
  const kept = addNeeded(all, [...last, ...waiting, ...restorable, ...aside]);
  const plan = planNamespace(hasher, all, kept);
  if (plan === undefined) return kept.size;
  const { marks, removedIds } = plan;
  const removal = { threadId: address.threadId, epoch, name: createRemovalName() };
  await markSurvivors(store, marks, removal);
  cache.noteRemoval(removal);
  await removeUncounted(store, address, epoch, removedIds);
  for (const checkpointId of removedIds) cache.forgetRecord({ ...address, checkpointId });
  if (address.checkpointNs === "") {
    const stored = new Set(Array.from(kept, (planned) => planned.address.checkpointId));
    await removeTaskNamespaces(context, address.threadId, epoch, {
      stored,
      removed: new Set(removedIds),
    });
  }
  return kept.size;
}

/** The checkpoints of the root graph that rollbacks can be undone to. */
async function findBackups(
  { store }: SaverContext,
  { threadId }: CheckpointAddress,
): Promise<ReadonlySet<string>> {
  const record = await findRecord(store, threadId);
  return record === undefined ? new Set() : listBackups(record, store.estimateTime());
}
