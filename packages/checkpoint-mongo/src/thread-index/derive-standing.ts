import type { SaverContext } from "../context/context.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { deriveStandingCode } from "../read/derive-standing-code.ts";
import { readRecord } from "../records/checkpoint-record.ts";
import { findCheckpointOfLife } from "../store/find-checkpoint.ts";
import {
  findMoving,
  joinHeads,
  removeMoves,
  settleStanding,
  type IndexedThread,
} from "../store/search-records.ts";
import { SLOW_SAVE_MS } from "../store/sweep-grace.ts";

/**
 * Where a thread stands, as its latest checkpoint and that one's pending writes tell.
 *
 * @returns undefined if there is none, or it is damaged: whoever reads it is told
 */
async function deriveCode(
  { store, hasher }: Pick<SaverContext, "store" | "hasher">,
  threadId: string,
  checkpointId: string,
): Promise<number | undefined> {
  const found = await findCheckpointOfLife(store, { threadId, checkpointNs: "", checkpointId });
  if (found === undefined) return undefined;
  const { document } = found;
  try {
    return await deriveStandingCode({ store }, document, readRecord(document, hasher));
  } catch (error) {
    if (CorruptCheckpointError.isInstance(error)) return undefined;
    throw error;
  }
}

/** Corrects what the latest checkpoint says of where its thread stands. What is stored meanwhile counts instead. */
export async function settle(
  context: Pick<SaverContext, "store" | "hasher">,
  { record, head }: IndexedThread,
): Promise<void> {
  const { store } = context;
  const { thread_id: threadId, moving = [] } = record;
  const code = head && (await deriveCode(context, threadId, head.checkpoint_id));
  if (head !== undefined && code !== undefined && head.stands?.code !== code) {
    const at = head.stands?.at ?? new Date(store.estimateTime());
    await settleStanding(store, head, { code, at });
  }
  // A command that is still under way takes its name off itself.
  const sinceMs = store.estimateTime() - (head?.stands?.at.getTime() ?? 0);
  if (moving.length > 0 && sinceMs > SLOW_SAVE_MS) await removeMoves(store, record, moving);
}

/**
 * Corrects where threads stand whose interrupts or errors may not show, so that a search by status finds them: a
 * server stopped between two updates of one command, or such a command is under way.
 */
export async function settleMoving(context: Pick<SaverContext, "store" | "hasher">): Promise<void> {
  const moving = await findMoving(context.store);
  for (const thread of await joinHeads(context.store, moving)) await settle(context, thread);
}
