import type { CheckpointAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import type { StoredStanding } from "../documents/documents.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";
import { RAISING_PLACES, raiseBy, readStanding, toCode } from "../records/standing.ts";
import type { WriteSetToStore } from "../store/save-writes.ts";
import { nameMove, type StandingMove } from "../store/thread-entry.ts";

/**
 * Where a thread stands at a new checkpoint.
 *
 * @returns undefined if it is not one of the root graph
 */
export function standAt(
  { store }: Pick<SaverContext, "store">,
  record: CheckpointRecord,
): StoredStanding | undefined {
  if (record.address.checkpointNs !== "") return undefined;
  return { code: toCode(readStanding(record)), at: new Date(store.estimateTime()) };
}

/**
 * How pending writes change where their thread stands: an interrupt or an error of the root graph does.
 *
 * @returns undefined if they do not
 */
export function standByWrites(
  { store, cache }: Pick<SaverContext, "store" | "cache">,
  { threadId, checkpointNs, checkpointId }: CheckpointAddress,
  epoch: number,
  sets: readonly Pick<WriteSetToStore, "idx">[],
): StandingMove | undefined {
  const raised = raiseBy(sets.map(({ idx }) => idx).filter((idx) => RAISING_PLACES.includes(idx)));
  if (raised === undefined || checkpointNs !== "") return undefined;
  const address = { threadId, checkpointNs, checkpointId };
  const head = cache.getHead(address, epoch);
  return {
    name: nameMove(checkpointId),
    // A put of the checkpoint may be under way.
    isUnsure: head?.latest?.checkpointId !== checkpointId && cache.getRecord(address) === undefined,
    checkpoint: address,
    stands: { code: toCode(raised), at: new Date(store.estimateTime()) },
  };
}
