import { ERROR, INTERRUPT } from "@langchain/langgraph-checkpoint";
import type { SaverContext } from "../context/context.ts";
import type { StoredStanding, ThreadDocument } from "../documents/documents.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { readRecord } from "../records/checkpoint-record.ts";
import { raiseBy, readStanding, toCode } from "../records/standing.ts";
import { findCheckpointOfLife } from "../store/find-checkpoint.ts";
import { findWrites } from "../store/find-writes.ts";
import { findMoving, settleStanding } from "../store/search-records.ts";
import { SLOW_SAVE_MS } from "../store/sweep-grace.ts";

/**
 * Where a thread stands, as its latest checkpoint and that one's pending writes tell.
 *
 * @returns undefined if the checkpoint is damaged: whoever reads it is told
 */
async function deriveStanding(
  { store, hasher }: Pick<SaverContext, "store" | "hasher">,
  threadId: string,
): Promise<StoredStanding | undefined> {
  const root = { threadId, checkpointNs: "", checkpointId: undefined };
  const found = await findCheckpointOfLife(store, root);
  if (found === undefined) return { seq: 0, code: 0 };
  const { document } = found;
  try {
    const record = readRecord(document, hasher);
    const sets = await findWrites(store, [document], [ERROR, INTERRUPT]);
    const ofLife = sets.filter(({ epoch = 0 }) => epoch === record.epoch);
    const raised = raiseBy(ofLife.map(({ idx }) => idx));
    return { seq: record.seq, code: toCode(raised ?? readStanding(record)) };
  } catch (error) {
    if (CorruptCheckpointError.isInstance(error)) return undefined;
    throw error;
  }
}

/** Corrects where a thread stands in its record. Whatever is stored meanwhile counts instead. */
export async function settle(
  context: Pick<SaverContext, "store" | "hasher">,
  record: ThreadDocument,
): Promise<void> {
  const { store } = context;
  const derived = await deriveStanding(context, record.thread_id);
  if (derived === undefined) return;
  const { standing, moving = [], updated_at: updatedAt } = record;
  // A command that is still under way takes its name back itself.
  const isLate =
    updatedAt === undefined || store.estimateTime() - updatedAt.getTime() > SLOW_SAVE_MS;
  const names = isLate ? moving : [];
  const isRight = standing?.seq === derived.seq && standing.code === derived.code;
  if (!isRight || names.length > 0) await settleStanding(store, record, derived, names);
}

/**
 * Corrects the records whose standing may be out of date, so that a search by status finds them: a server
 * stopped between two updates of one command, or such a command is under way.
 */
export async function settleMoving(context: Pick<SaverContext, "store" | "hasher">): Promise<void> {
  for (const record of await findMoving(context.store)) await settle(context, record);
}
