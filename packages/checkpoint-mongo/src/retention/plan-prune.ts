import type { SaverContext } from "../context/context.ts";
import { breather } from "../event-loop/breather.ts";
import { PruneRefusedError } from "../errors/prune-refused-error.ts";
import { listBackups } from "../store/rollback-entries.ts";
import { scanCheckpoints, scanDiscarded } from "../store/scan-thread.ts";
import { findRecord, isOfLife } from "../store/thread-record.ts";
import { addNeeded } from "./needed-ancestors.ts";
import { findWaiting, planNamespace, type NamespacePlan } from "./plan-namespace.ts";
import { readPlanned, type PlannedCheckpoint } from "./planned-checkpoint.ts";
import type { KeepingStrategy } from "./prune-options.ts";

/** What is removed of a thread, in one life of it. */
export interface ThreadPlan {
  readonly threadId: string;
  readonly epoch: number;
  readonly namespaces: readonly NamespacePlan[];
}

/**
 * Decides which checkpoints of a thread go. What stays can be read and gone on from as before: the ancestors of
 * which a delta channel's value is made stay too.
 *
 * @returns undefined if nothing of the thread is there
 * @throws PruneRefusedError if a branch that waits for an answer would go
 * @throws CorruptCheckpointError if a checkpoint is damaged
 */
export async function planPrune(
  context: SaverContext,
  threadId: string,
  strategy: KeepingStrategy,
  discardsWaiting: boolean,
): Promise<ThreadPlan | undefined> {
  const { store, hasher } = context;
  const thread = await readThread(context, threadId);
  if (thread === undefined) return undefined;
  const namespaces: NamespacePlan[] = [];
  for (const [checkpointNs, own] of thread.namespaces) {
    const [aside, shown] = splitAside(own);
    const isBackup = ({ address }: PlannedCheckpoint): boolean =>
      checkpointNs === "" && thread.backups.has(address.checkpointId);
    const chosen = chooseKept(shown, strategy, store.estimateTime());
    // What a rollback has discarded, and what it can be undone to, stays whole as long as it may come back.
    const kept = addNeeded(own, [...chosen, ...aside, ...shown.filter(isBackup)]);
    if (!discardsWaiting) {
      const removed = shown.filter((planned) => !kept.has(planned));
      const [waiting] = await findWaiting(context, shown, removed);
      if (waiting) throw new PruneRefusedError(threadId, waiting.address.checkpointId);
    }
    const plan = planNamespace(hasher, own, kept);
    if (plan !== undefined) namespaces.push(plan);
  }
  return { threadId, epoch: thread.epoch, namespaces };
}

/** The checkpoints of a thread in its present life, by namespace and order, with those that rollbacks discarded. */
export interface ThreadToPrune {
  readonly epoch: number;
  readonly namespaces: ReadonlyMap<string, readonly PlannedCheckpoint[]>;
  /** The ids of root checkpoints that rollbacks can be undone to. */
  readonly backups: ReadonlySet<string>;
}

/**
 * Reads all checkpoints of a thread.
 *
 * @returns undefined if nothing of it is there
 * @throws CorruptCheckpointError if one is damaged
 */
export async function readThread(
  context: SaverContext,
  threadId: string,
): Promise<ThreadToPrune | undefined> {
  const { store } = context;
  const record = await findRecord(store, threadId);
  if (record === undefined || record.deleted_at !== undefined) return undefined;
  const namespaces = new Map<string, PlannedCheckpoint[]>();
  for (const scan of [scanCheckpoints, scanDiscarded]) {
    for await (const document of scan(store, threadId)) {
      if (!isOfLife(document, record)) continue;
      const planned = await readPlanned(context, document);
      const { checkpointNs } = planned.address;
      const own = namespaces.get(checkpointNs) ?? [];
      namespaces.set(checkpointNs, own);
      own.push(planned);
      if (breather.isDue(CHECKPOINT_WORK)) await breather.rest();
    }
  }
  for (const own of namespaces.values()) own.sort((a, b) => a.seq - b.seq);
  const backups = listBackups(record, store.estimateTime());
  return { epoch: record.epoch, namespaces, backups };
}

/** The work of reading a checkpoint, in characters, about. */
const CHECKPOINT_WORK = 8_192;

/** Parts what rollbacks have discarded from what reads see. */
function splitAside(
  own: readonly PlannedCheckpoint[],
): readonly [aside: readonly PlannedCheckpoint[], shown: readonly PlannedCheckpoint[]] {
  return [own.filter(({ isAside }) => isAside), own.filter(({ isAside }) => !isAside)];
}

/** @param own by their places in the order */
function chooseKept(
  own: readonly PlannedCheckpoint[],
  strategy: KeepingStrategy,
  nowMs: number,
): readonly PlannedCheckpoint[] {
  if (strategy.name === "keep_last") return own.slice(-strategy.count);
  const latest = own.slice(-1);
  if (strategy.name === "keep_latest") return latest;
  const sinceMs = nowMs - strategy.seconds * 1_000;
  // A time that cannot be read is no reason to remove anything.
  return [...own.filter(({ writtenAtMs }) => !(writtenAtMs < sinceMs)), ...latest];
}
