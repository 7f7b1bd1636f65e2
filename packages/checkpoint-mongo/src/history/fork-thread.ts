import type { RunnableConfig } from "@langchain/core/runnables";
import { toConfig } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import { ThreadNotEmptyError } from "../errors/thread-not-empty-error.ts";
import { getOfficialTuple } from "../read/official-threads.ts";
import { ChangeRounds } from "../store/change-rounds.ts";
import { copySegments } from "../store/copy-segments.ts";
import { findLastInOrder } from "../store/find-last.ts";
import { findRecord } from "../store/thread-record.ts";
import { prepareThread } from "../threads/prepare-thread.ts";
import { collectState, type CollectedState } from "./collect-state.ts";
import { listRoots, planCopies } from "./copy-state.ts";
import { resolveTarget, type CheckpointName } from "./find-target.ts";
import { createCopyId } from "./make-latest.ts";
import { changeLatest, readWhole } from "./roll-back.ts";

/**
 * Branches off a checkpoint: into a thread that has none, or into the same thread.
 *
 * @returns the config of the latest checkpoint of the new thread, or of the new branch
 * @throws ThreadNotFoundError if the thread is not there
 * @throws LabelNotFoundError if no checkpoint has this id or label
 * @throws CheckpointNotFoundError if there are not so many steps
 * @throws ThreadNotEmptyError if the other thread has checkpoints
 */
export async function forkThread(
  context: SaverContext,
  threadId: string,
  from: CheckpointName,
  to: string | undefined,
): Promise<RunnableConfig> {
  const target = await resolveTarget(context, threadId, from);
  await readWhole(context, target);
  if (to === undefined) {
    const copyId = createCopyId();
    const { plan } = await changeLatest(context, threadId, target, copyId, () => [], false);
    return toConfig(plan.latest);
  }
  await requireEmpty(context, to);
  const states = await collectState(context, target);
  const rounds = new ChangeRounds(to, "fork into", context.deadline);
  do {
    await rounds.begin();
    await requireEmpty(context, to);
  } while (!(await copyInto(context, threadId, to, states)));
  return toConfig({ ...target.record.address, threadId: to });
}

/** @returns false if the other thread has changed meanwhile */
async function copyInto(
  context: SaverContext,
  threadId: string,
  to: string,
  states: readonly CollectedState[],
): Promise<boolean> {
  const { cache } = context;
  cache.forgetThread(to);
  const thread = await prepareThread(context, to);
  if (!(await copySegments(threadId, thread, listRoots(states)))) return false;
  // One command: a process that stops before leaves a thread without checkpoints.
  const updates = await planCopies(context, thread, states);
  const { kind } = await thread.write(updates, { isFirst: true });
  for (const { record } of states.flat()) {
    const address = { ...record.address, threadId: to };
    cache.forgetRecord(address);
    cache.forgetHead(address);
  }
  return kind === "done";
}

async function requireEmpty(context: SaverContext, threadId: string): Promise<void> {
  const { store } = context;
  const root = { threadId, checkpointNs: "" };
  const record = await findRecord(store, threadId);
  const isDeleted = record?.deleted_at !== undefined;
  const last = isDeleted ? undefined : await findLastInOrder(store, root, record?.epoch ?? 0);
  if (
    last !== undefined ||
    (await getOfficialTuple(context, { ...root, checkpointId: undefined })) !== undefined
  ) {
    throw new ThreadNotEmptyError(threadId, "has checkpoints already");
  }
}
