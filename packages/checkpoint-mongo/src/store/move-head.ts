import type { Document, Filter } from "mongodb";
import type { CheckpointAddress } from "../address/address.ts";
import type { StoredStanding } from "../documents/documents.ts";
import { hashAddress, hashNamespace } from "../integrity/hashes.ts";
import type { Store } from "./store.ts";
import { matchRecord } from "./thread-record.ts";

/**
 * Marks an earlier checkpoint as the latest of its namespace, before those behind it are removed. Until then there
 * are several with the mark, and the highest in the order counts.
 *
 * @param stands where the thread stands there; undefined if the checkpoint does not say
 */
export async function markAsLatest(
  { checkpoints }: Pick<Store, "checkpoints">,
  address: CheckpointAddress,
  epoch: number,
  stands: StoredStanding | undefined,
): Promise<void> {
  await checkpoints.updateOne(
    {
      _id: hashAddress(address),
      thread_id: address.threadId,
      // The first life has no number.
      epoch: (epoch === 0 ? null : epoch) as number,
    },
    { $set: { head: true, ...(stands && { stands }) }, $unset: { next: "" } },
  );
}

/**
 * Takes back what the record of a thread says of the newest checkpoint of a namespace, with the option `witness`.
 *
 * @param last the last place that is removed: a later one counts
 * @param seq the last place that stays; undefined for none
 */
export async function lowerNewest(
  { threads }: Pick<Store, "threads">,
  { threadId, checkpointNs }: Pick<CheckpointAddress, "threadId" | "checkpointNs">,
  epoch: number,
  last: number,
  seq: number | undefined,
): Promise<void> {
  const field = `newest.${epoch}.${hashNamespace(checkpointNs)}`;
  const filter = { ...matchRecord(threadId), epoch, [field]: { $lte: last } } as Filter<Document>;
  await threads.updateOne(
    filter as Parameters<typeof threads.updateOne>[0],
    seq === undefined ? { $unset: { [field]: "" } } : { $set: { [field]: seq } },
  );
}
