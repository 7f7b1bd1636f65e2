import type { CheckpointAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import type { StoredStanding } from "../documents/documents.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";
import { RAISING_PLACES, raiseBy, readStanding, toCode } from "../records/standing.ts";
import type { FencedThread } from "../store/fenced-thread.ts";
import type { WriteSetToStore } from "../store/save-writes.ts";
import { nameMove, raiseStanding, type StandingMove } from "../store/thread-entry.ts";

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
  address: CheckpointAddress,
  epoch: number,
  sets: readonly Pick<WriteSetToStore, "idx">[],
): StandingMove | undefined {
  const raised = raiseBy(sets.map(({ idx }) => idx).filter((idx) => RAISING_PLACES.includes(idx)));
  if (raised === undefined || address.checkpointNs !== "") return undefined;
  return {
    name: nameMove(address.checkpointId),
    // A put of the checkpoint may be under way.
    isUnsure: !isKnownToBeStored(cache, address, epoch),
    checkpoint: address,
    stands: { code: toCode(raised), at: new Date(store.estimateTime()) },
  };
}

function isKnownToBeStored(
  cache: SaverContext["cache"],
  address: CheckpointAddress,
  epoch: number,
): boolean {
  const head = cache.getHead(address, epoch)?.latest;
  return head?.checkpointId === address.checkpointId || cache.getRecord(address) !== undefined;
}

/**
 * Remembers an interrupt or an error that was stored while the put of its checkpoint may have been under way. If
 * that has ended since, the checkpoint says now where the thread stands; otherwise the put sees to it.
 */
export async function noteStanding(
  context: Pick<SaverContext, "cache" | "earlyStandings">,
  thread: FencedThread,
  move: StandingMove | undefined,
): Promise<void> {
  if (move === undefined || !move.isUnsure) return;
  context.earlyStandings.note(move.checkpoint, thread.epoch, move);
  if (isKnownToBeStored(context.cache, move.checkpoint, thread.epoch)) {
    await catchUpStanding(context, thread, move.checkpoint);
  }
}

/** Has a checkpoint that was put say of an interrupt or an error that was stored before it. */
export async function catchUpStanding(
  { earlyStandings }: Pick<SaverContext, "earlyStandings">,
  thread: FencedThread,
  address: CheckpointAddress,
): Promise<void> {
  const move = earlyStandings.take(address, thread.epoch);
  if (move === undefined) return;
  // If the thread has changed meanwhile, the name stays in its record, and a search finds out.
  await thread.write([raiseStanding(address, move.stands)], { move: { ...move, isUnsure: false } });
}
