import type { RunnableConfig } from "@langchain/core/runnables";
import { toConfig } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import { readFound } from "../read/get-tuple.ts";
import { ChangeRounds } from "../store/change-rounds.ts";
import { findCheckpoint } from "../store/find-checkpoint.ts";
import { createRemovalName } from "../store/removals.ts";
import { listRollbacks, nameRollback, type NamedRollback } from "../store/rollback-entries.ts";
import { discardAfter } from "./discard-after.ts";
import { requireTarget, resolveTarget, type Target } from "./find-target.ts";
import type { ResolvedRollback } from "./history-options.ts";
import { createCopyId, planLatest, type LatestPlan } from "./make-latest.ts";
import { openThread, type OpenedThread } from "./open-history.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;

/** What a rollback did. */
export interface RollbackResult {
  /** Names the checkpoint that is the latest now. */
  readonly config: RunnableConfig;
  /** The checkpoint that was asked for. */
  readonly targetId: string;
  /** Whether the latest is a copy of it: it is if other checkpoints came after it. */
  readonly isCopy: boolean;
  /** The checkpoint that was the latest before; the same as now if nothing had to change. */
  readonly formerId: string;
  /** How many checkpoints were discarded, of all namespaces. */
  readonly discarded: number;
}

/**
 * Makes an earlier state of a thread the latest.
 *
 * @throws ThreadNotFoundError if the thread is not there
 * @throws LabelNotFoundError if no checkpoint has this id or label
 * @throws CheckpointNotFoundError if there are not so many steps
 * @throws CorruptCheckpointError if the state is damaged
 * @throws WriteConflictError if others keep putting checkpoints of the thread meanwhile
 */
export async function rollBack(
  context: SaverContext,
  threadId: string,
  { to, discard, backupDays }: ResolvedRollback,
): Promise<RollbackResult> {
  const name = createCopyId();
  const copyId = createCopyId();
  const target = await resolveTarget(context, threadId, to);
  const { checkpointId: targetId } = target.record.address;
  const { seq: after } = target.record;
  await readWhole(context, target);
  let formerId: string | undefined;
  const done = await changeLatest(context, threadId, target, copyId, ({ thread, record }, plan) => {
    formerId = plan.formerId ?? formerId;
    // A round before may have done it, and not have heard so.
    if (formerId === undefined) return [];
    const nowMs = context.store.estimateTime();
    const others = listRollbacks(record, nowMs);
    // Processes differ a little in what time it is. The last one is undone first.
    const atMs = Math.max(nowMs, (others[0]?.at.getTime() ?? 0) + 1);
    const rollback: NamedRollback = {
      name,
      at: new Date(atMs),
      until: new Date(nowMs + backupDays * DAY_MS),
      from: formerId,
      ...(discard && { discarding: { after, before: plan.seq } }),
    };
    return [nameRollback(thread.state, rollback, others)];
  });
  const { latest, seq } = done.plan;
  const isChanged = formerId !== undefined;
  const discarded =
    discard && isChanged
      ? await discardAfter(context, done.opened.thread.state, {
          name,
          discarding: { after, before: seq },
        })
      : 0;
  return {
    config: toConfig(latest),
    targetId,
    isCopy: latest.checkpointId !== targetId,
    formerId: formerId ?? latest.checkpointId,
    discarded,
  };
}

const DONE = { kind: "done" } as const;

/** What belongs into the same command. */
type PlanFurther = (opened: OpenedThread, plan: LatestPlan) => LatestPlan["updates"];

/** Makes a checkpoint the latest of its thread, until nothing is in the way. */
export async function changeLatest(
  context: SaverContext,
  threadId: string,
  first: Target,
  copyId: string,
  planFurther: PlanFurther,
  mayMove = true,
): Promise<{ readonly opened: OpenedThread; readonly plan: LatestPlan }> {
  const rounds = new ChangeRounds(threadId, "roll back", context.deadline);
  const { cache, setsSeen } = context;
  for (;;) {
    await rounds.begin();
    const opened = await openThread(context, threadId);
    if (opened === undefined) continue;
    // It may have been pruned, or moved by another rollback.
    const target = await requireTarget(context, first.record.address);
    if (target.record.epoch !== opened.thread.epoch) continue;
    const isWitnessed = setsSeen !== undefined;
    const plan = await planLatest(context, opened.thread, target, { mayMove, copyId, isWitnessed });
    const updates = [...plan.updates, ...planFurther(opened, plan)];
    const forget = () => {
      for (const address of [plan.latest, ...plan.touched]) {
        cache.forgetRecord(address);
        cache.forgetHead(address);
      }
    };
    forget();
    // Places become free, of what is moved and of what is discarded.
    const { epoch } = opened.thread;
    const removal = { threadId, epoch, name: createRemovalName() };
    const { kind } =
      updates.length === 0
        ? DONE
        : await opened.thread.write(updates, { takesPlace: true, removal: removal.name });
    if (updates.length > 0) cache.noteRemoval(removal);
    forget();
    if (kind === "conflict") continue;
    // If this does not get through, the next put does it.
    if (plan.marksOff.length > 0) await opened.thread.write(plan.marksOff);
    forget();
    return { opened, plan };
  }
}

/**
 * Reads a state as a whole before it becomes the latest.
 *
 * @throws CorruptCheckpointError if something of it is missing or not as it was written
 */
export async function readWhole(context: SaverContext, { record }: Target): Promise<void> {
  const found = await findCheckpoint(context.store, record.address);
  if (found !== undefined) await readFound(context, found);
}
