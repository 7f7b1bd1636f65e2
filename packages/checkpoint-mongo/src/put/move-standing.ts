import type { CheckpointAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";
import { RAISING_PLACES, raiseBy, readStanding, toCode } from "../records/standing.ts";
import type { FencedThread } from "../store/fenced-thread.ts";
import type { CheckpointToStore } from "../store/save-checkpoint.ts";
import type { WriteSetToStore } from "../store/save-writes.ts";
import { nameMove, type StandingMove } from "../store/thread-entry.ts";
import type { BuiltCheckpoint } from "./build-checkpoint.ts";

/** What a thread's record says while nothing of the root graph is known. */
const NOTHING = { seq: 0, code: 0 } as const;

/**
 * How a checkpoint moves its thread's standing. Those of subgraphs only show that the thread was written to.
 *
 * @param before the code of the standing at the checkpoint before, if this process knows it
 */
export function moveByPut(
  { store }: Pick<SaverContext, "store">,
  record: CheckpointRecord,
  { metadata }: Pick<CheckpointToStore, "metadata">,
  before: number | undefined,
): StandingMove {
  const nowMs = store.estimateTime();
  const { checkpointNs, checkpointId } = record.address;
  if (checkpointNs !== "") return { standing: NOTHING, name: undefined, nowMs };
  const code = toCode(readStanding(record));
  const name = code === before ? undefined : nameMove(checkpointId, "checkpoint");
  const { seq } = record;
  const step = metadata?.["step"];
  const latest = { seq, id: checkpointId, ...(typeof step === "number" && { step }) };
  return { standing: { seq, code }, latest, name, nowMs };
}

/**
 * Ends the change that storing a checkpoint once more began, and that found it stored. The command that stored
 * it may not have come to its end.
 */
export async function confirmMove(
  context: Pick<SaverContext, "store">,
  thread: FencedThread,
  { document, record }: BuiltCheckpoint,
): Promise<void> {
  const { standing, latest, name } = moveByPut(context, record, document, undefined);
  if (name === undefined) return;
  // If the thread has changed meanwhile, its name has gone with it, or a search finds out.
  await thread.write([], { move: { standing, latest, name, nowMs: undefined } });
}

/**
 * How pending writes move their thread's standing: an interrupt or an error of the root graph does.
 *
 * @returns undefined if they do not
 */
export async function moveByWrites(
  context: Pick<SaverContext, "store" | "cache">,
  address: CheckpointAddress,
  epoch: number,
  sets: readonly Pick<WriteSetToStore, "idx">[],
): Promise<StandingMove | undefined> {
  const { store, cache } = context;
  const raised = raiseBy(sets.map(({ idx }) => idx).filter((idx) => RAISING_PLACES.includes(idx)));
  if (raised === undefined || address.checkpointNs !== "") return undefined;
  const code = toCode(raised);
  const nowMs = store.estimateTime();
  // A put of the same checkpoint may be under way, and must not take this name back.
  const name = nameMove(address.checkpointId, "writes");
  const head = cache.getHead(address, epoch);
  if (head?.latest?.checkpointId === address.checkpointId) {
    const standing = Math.max(code, head.standing ?? 0);
    cache.setHead(address, { ...head, standing });
    return { standing: { seq: head.latest.seq, code }, name, nowMs };
  }
  const seq = cache.getRecord(address)?.seq;
  return seq === undefined
    ? { standing: NOTHING, name, nowMs, isUnsure: true }
    : { standing: { seq, code }, name, nowMs };
}
