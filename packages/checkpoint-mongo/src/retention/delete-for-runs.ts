import type { SaverContext } from "../context/context.ts";
import type { StoredStanding } from "../documents/documents.ts";
import { deriveStandingCode } from "../read/derive-standing-code.ts";
import { readRecord } from "../records/checkpoint-record.ts";
import { findCheckpointOfLife } from "../store/find-checkpoint.ts";
import { findThreadsOfRuns } from "../store/find-runs.ts";
import { lowerNewest, markAsLatest } from "../store/move-head.ts";
import { markSurvivors, removeCheckpoints } from "../store/prune-checkpoints.ts";
import { createRemovalName } from "../store/removals.ts";
import { beginEntry } from "../store/write-metadata.ts";
import { addNeeded } from "./needed-ancestors.ts";
import { planNamespace, type NamespacePlan } from "./plan-namespace.ts";
import { readThread, type ThreadPlan } from "./plan-prune.ts";
import type { PlannedCheckpoint } from "./planned-checkpoint.ts";
import { removePlanned, type RemovedOfThread } from "./remove-planned.ts";

/** What `deleteForRuns` did. */
export interface DeleteForRunsResult {
  /** Threads of which something was removed. */
  readonly threads: number;
  /** Checkpoints removed. */
  readonly checkpoints: number;
  /** Checkpoints of the runs that stay, since a delta channel of another run's is made of what they hold. */
  readonly needed: number;
  /** Bytes of the documents that were removed. */
  readonly bytesFreed: number;
  /** Bytes of segments that nothing refers to any more. They are marked, and a later `sweep` removes them. */
  readonly bytesToSweep: number;
}

/**
 * Removes the checkpoints of runs, with their pending writes. If the latest of a namespace goes, the latest that stays
 * takes its place.
 *
 * @throws CorruptCheckpointError if a checkpoint of such a thread is damaged; the thread is left as it is
 */
export async function deleteForRuns(
  context: SaverContext,
  runIds: readonly string[],
): Promise<DeleteForRunsResult> {
  const sum = { threads: 0, checkpoints: 0, needed: 0, bytesFreed: 0, bytesToSweep: 0 };
  const runs = new Set(runIds);
  for (const threadId of await findThreadsOfRuns(context.store, [...runs])) {
    const done = await deleteOfThread(context, threadId, runs);
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += done[key] ?? 0;
  }
  return sum;
}

async function deleteOfThread(
  context: SaverContext,
  threadId: string,
  runs: ReadonlySet<string>,
): Promise<Partial<RemovedOfThread & { readonly needed: number }>> {
  const thread = await readThread(context, threadId);
  if (thread === undefined) return {};
  const { epoch } = thread;
  const isOfRuns = ({ runId }: PlannedCheckpoint): boolean =>
    runId !== undefined && runs.has(runId);
  const namespaces: NamespacePlan[] = [];
  let needed = 0;
  for (const own of thread.namespaces.values()) {
    const latest = own.findLast(({ isAside }) => !isAside);
    // Behind a latest that goes, places are given again. So nothing can come back to them.
    const hasPlace = latest !== undefined && !isOfRuns(latest);
    const kept = addNeeded(
      own,
      own.filter((planned) => !isOfRuns(planned) && (hasPlace || !planned.isAside)),
    );
    needed += [...kept].filter(isOfRuns).length;
    const plan = planNamespace(context.hasher, own, kept);
    if (plan !== undefined) namespaces.push(plan);
  }
  let aside = 0;
  for (const plan of namespaces) {
    aside += await removeAside(context, epoch, plan);
    await moveHead(context, epoch, plan);
  }
  const done = await removePlanned(context, { threadId, epoch, namespaces });
  await announceFreeEnds(context, { threadId, epoch, namespaces });
  const checkpoints = done.checkpoints + aside;
  return {
    ...done,
    threads: Number(checkpoints > 0),
    checkpoints,
    needed,
  };
}

/**
 * Where the latest went, its place and those before it are given again. Others may have read it as the latest until it
 * was gone.
 */
async function announceFreeEnds(
  { store, cache }: SaverContext,
  { threadId, epoch, namespaces }: ThreadPlan,
): Promise<void> {
  const isEndFree = namespaces.some(
    ({ survivor, through }) => survivor === undefined || survivor.seq < through,
  );
  if (!isEndFree) return;
  const removal = { threadId, epoch, name: createRemovalName() };
  await markSurvivors(store, [], removal);
  cache.noteRemoval(removal);
}

/** Removes what rollbacks have discarded, before it could look as if the rollback could still be undone. */
async function removeAside(
  { store }: SaverContext,
  epoch: number,
  { namespace, marks, asideIds }: NamespacePlan,
): Promise<number> {
  if (asideIds.length === 0) return 0;
  await markSurvivors(store, marks);
  return removeCheckpoints(store, namespace, epoch, asideIds, "discarded");
}

/** Makes the latest checkpoint that stays the latest of its namespace, if it is not so already. */
async function moveHead(
  context: SaverContext,
  epoch: number,
  { namespace, through, survivor }: NamespacePlan,
): Promise<void> {
  const { store, cache } = context;
  if (survivor !== undefined && survivor.seq > through) return;
  if (survivor === undefined) {
    // The thread stays, without a checkpoint.
    if (namespace.checkpointNs === "") await beginEntry(store, namespace.threadId, epoch, "empty");
  } else {
    const stands = await deriveStanding(context, survivor);
    await markAsLatest(store, survivor.address, epoch, stands);
  }
  await lowerNewest(store, namespace, epoch, through, survivor?.seq);
  cache.forgetHead(namespace);
}

/** Where a thread stands at a checkpoint of its root graph. */
async function deriveStanding(
  { store, hasher }: SaverContext,
  { address }: PlannedCheckpoint,
): Promise<StoredStanding | undefined> {
  if (address.checkpointNs !== "") return undefined;
  const found = await findCheckpointOfLife(store, address);
  if (found === undefined) return undefined;
  const { document } = found;
  const code = await deriveStandingCode({ store }, document, readRecord(document, hasher));
  return { code, at: new Date(store.estimateTime()) };
}
