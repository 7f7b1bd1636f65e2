import type { SaverContext } from "../context/context.ts";
import { removeDiscarded } from "../store/discard-checkpoints.ts";
import { forgetRollbacks, listRollbacks, scanRolledBack } from "../store/rollback-entries.ts";
import { findRecord, readState } from "../store/thread-record.ts";
import type { ThreadDocument } from "../documents/documents.ts";
import { bytesToHex } from "../driver/binary.ts";
import { markSurvivors } from "../store/prune-checkpoints.ts";
import { scanDiscarded } from "../store/scan-thread.ts";
import { planNamespace } from "../retention/plan-namespace.ts";
import { readThread, type ThreadToPrune } from "../retention/plan-prune.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { discardAfter } from "./discard-after.ts";

/**
 * Removes what rollbacks have discarded, once they cannot be undone any more, and finishes those that a process
 * left half done.
 *
 * @param threadId undefined for all threads
 */
export async function sweepBackups(
  context: SaverContext,
  threadId: string | undefined,
): Promise<void> {
  const { store } = context;
  if (threadId === undefined) {
    for await (const record of scanRolledBack(store)) await sweepThread(context, record);
    return;
  }
  const record = await findRecord(store, threadId);
  if (record?.rollbacks !== undefined) await sweepThread(context, record);
}

async function sweepThread(context: SaverContext, record: ThreadDocument): Promise<void> {
  const { store } = context;
  // What a thread in the archive store has discarded comes back with it.
  if (record.deleted_at !== undefined || record.away !== undefined) return;
  const state = readState(record);
  const nowMs = await store.askTime();
  const kept = listRollbacks(record, nowMs);
  const names = kept.map(({ name }) => name);
  for (const rollback of kept) {
    // One that is under way ends within the time that a command may take.
    const isLeft = nowMs - rollback.at.getTime() > LEFT_AFTER_MS;
    if (rollback.discarding !== undefined && isLeft) await discardAfter(context, state, rollback);
  }
  // What is damaged cannot be marked. The backup stays until it is mended.
  if (!(await markAsPruned(context, state.threadId, names))) return;
  await removeDiscarded(store, state.threadId, names);
  const gone = Object.keys(record.rollbacks ?? {}).filter((name) => !names.includes(name));
  await forgetRollbacks(store, state, gone);
}

/**
 * Lets what stays say that what goes is gone for a reason: its children, and those that may still be put.
 *
 * @returns false if a checkpoint of the thread is damaged
 */
async function markAsPruned(
  context: SaverContext,
  threadId: string,
  kept: readonly string[],
): Promise<boolean> {
  const { store, hasher } = context;
  const gone = new Set<string>();
  for await (const { _id, rollback } of scanDiscarded(store, threadId)) {
    if (!kept.includes(rollback)) gone.add(bytesToHex(_id));
  }
  if (gone.size === 0) return true;
  let thread: ThreadToPrune | undefined;
  try {
    thread = await readThread(context, threadId);
  } catch (error) {
    if (CorruptCheckpointError.isInstance(error)) return false;
    throw error;
  }
  for (const own of thread?.namespaces.values() ?? []) {
    const staying = own.filter(({ id }) => !gone.has(bytesToHex(id)));
    const plan = planNamespace(hasher, own, new Set(staying));
    if (plan !== undefined) await markSurvivors(store, plan.marks);
  }
  return true;
}

/** A rollback that has not ended by then has been left by its process. */
const LEFT_AFTER_MS = 60_000;
