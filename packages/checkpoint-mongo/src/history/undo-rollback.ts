import type { RunnableConfig } from "@langchain/core/runnables";
import { toConfig } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import { CheckpointNotFoundError } from "../errors/checkpoint-not-found-error.ts";
import { NothingToUndoError } from "../errors/nothing-to-undo-error.ts";
import { bringBack, endUnlabelled, findUnlabelled } from "../store/discard-checkpoints.ts";
import { addLabel } from "../store/label-checkpoints.ts";
import {
  endDiscarding,
  forgetRollback,
  listRollbacks,
  type NamedRollback,
} from "../store/rollback-entries.ts";
import type { ThreadState } from "../store/thread-record.ts";
import { findTarget } from "./find-target.ts";
import { createCopyId } from "./make-latest.ts";
import { openThread, requireRecord, type OpenedThread } from "./open-history.ts";
import { changeLatest, readWhole } from "./roll-back.ts";

/**
 * Undoes the last rollback of a thread: brings back what it discarded, and makes the checkpoint the latest that was
 * before.
 *
 * @throws ThreadNotFoundError if the thread is not there
 * @throws NothingToUndoError if it has no rollback that can be undone
 * @throws CheckpointNotFoundError if the checkpoint that was the latest was pruned since
 * @throws WriteConflictError if others keep putting checkpoints of the thread meanwhile
 */
export async function undoRollback(
  context: SaverContext,
  threadId: string,
): Promise<RunnableConfig> {
  const opened = await openUntilThere(context, threadId);
  const [last] = listRollbacks(opened.record, context.store.estimateTime());
  if (last === undefined) throw new NothingToUndoError(threadId);
  const { state } = opened.thread;
  await restore(context, state, last);
  const former = { threadId, checkpointNs: "", checkpointId: last.from };
  const target = await findTarget(context, former);
  if (target === undefined) {
    throw new CheckpointNotFoundError(
      threadId,
      `checkpoint ${last.from} any more, which was the latest before the rollback: it was pruned`,
      "Choose one that saver.list(config) gives, and roll back to it.",
    );
  }
  await readWhole(context, target);
  const { plan } = await changeLatest(context, threadId, target, createCopyId(), ({ thread }) => [
    forgetRollback(thread.state, last.name),
  ]);
  // The process that discards may have been in the middle of a command.
  if (last.discarding !== undefined) await restore(context, state, last);
  return toConfig(plan.latest);
}

async function openUntilThere(context: SaverContext, threadId: string): Promise<OpenedThread> {
  for (;;) {
    const opened = await openThread(context, threadId);
    if (opened !== undefined) return opened;
    // Another life has begun since.
    await requireRecord(context, threadId);
  }
}

/** Brings back what was discarded. A process that goes on discarding finds that it is not wanted any more. */
async function restore(
  { store, cache }: SaverContext,
  { threadId, epoch }: ThreadState,
  { name }: NamedRollback,
): Promise<void> {
  await endDiscarding(store, { threadId, epoch, expiresAt: undefined }, name);
  await bringBack(store, threadId, name);
  // A label whose name has been given to another checkpoint meanwhile does not come back.
  for (const document of await findUnlabelled(store, threadId)) {
    for (const label of document.was_labelled) await addLabel(store, document, label);
    await endUnlabelled(store, document);
  }
  cache.forgetHead({ threadId, checkpointNs: "" });
}
