import type { Document, Filter } from "mongodb";
import type { CheckpointAddress } from "../address/address.ts";
import { hashNamespace } from "../integrity/hashes.ts";
import type { ChainUpdate } from "./chain.ts";
import type { FencedThread } from "./fenced-thread.ts";
import { matchCheckpoint } from "./match-checkpoint.ts";
import { matchRecord, type ThreadState } from "./thread-record.ts";

/** What the id of a set is shortened to in the checkpoint's list. */
const MARK_BYTES = 8;

/** A set of pending writes as its checkpoint names it. */
export function toMark(setId: Uint8Array): Uint8Array {
  return setId.subarray(0, MARK_BYTES);
}

/** Names sets in the document of their checkpoint; nothing happens where that is not stored yet. */
export function markSets(address: CheckpointAddress, marks: readonly Uint8Array[]): ChainUpdate {
  return {
    filter: matchCheckpoint(address),
    update: { $addToSet: { sets: { $each: [...marks] } } },
  };
}

/** Names sets in the document of their checkpoint, for which it was not there before. */
export async function markSetsLater(
  thread: FencedThread,
  address: CheckpointAddress,
  marks: readonly Uint8Array[],
): Promise<void> {
  // If the thread has changed meanwhile, the sets may have been deleted with it.
  await thread.write([markSets(address, marks)]);
}

/** Whether a namespace's order is kept in the thread's record: those of single tasks would fill it. */
export function isCounted(checkpointNs: string): boolean {
  return !checkpointNs.includes(":");
}

/** The place of a namespace's newest checkpoint in the thread's record, by life. */
export function countCheckpoint(
  { threadId, epoch }: ThreadState,
  checkpointNs: string,
  seq: number,
): ChainUpdate {
  return {
    filter: { ...matchRecord(threadId), epoch } as Filter<Document>,
    update: {
      $max: { [`newest.${epoch}.${hashNamespace(checkpointNs)}`]: seq },
      // Of the life before; of one in which nothing was put, there is nothing.
      ...(epoch > 0 && { $unset: { [`newest.${epoch - 1}`]: "" } }),
    },
  };
}
