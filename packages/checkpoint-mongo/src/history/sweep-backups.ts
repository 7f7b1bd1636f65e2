import type { SaverContext } from "../context/context.ts";
import { removeDiscarded } from "../store/discard-checkpoints.ts";
import { forgetRollbacks, listRollbacks, scanRolledBack } from "../store/rollback-entries.ts";
import { findRecord, readState } from "../store/thread-record.ts";
import type { ThreadDocument } from "../documents/documents.ts";
import { discardAfter } from "./discard-after.ts";
import { markChildren } from "./mark-children.ts";

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
  await removeDiscarded(store, state.threadId, names, (batch) => markChildren(context, batch));
  const gone = Object.keys(record.rollbacks ?? {}).filter((name) => !names.includes(name));
  await forgetRollbacks(store, state, gone);
}

/** A rollback that has not ended by then has been left by its process. */
const LEFT_AFTER_MS = 60_000;
