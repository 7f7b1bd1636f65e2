import type { StoredBytes } from "../driver/binary.ts";
import { paceBatches } from "./paced-batches.ts";
import type { Store } from "./store.ts";

/** Marks documents for removal. A call that stores one of them again takes the mark off. */
export async function condemnDocuments(
  { all }: Pick<Store, "all">,
  ids: readonly StoredBytes[],
): Promise<void> {
  for await (const batch of paceBatches(ids)) {
    await all.updateMany(
      { _id: { $in: batch as never[] }, condemned_at: { $exists: false } },
      // By the server's clock: the clocks of processes that sweep may differ.
      { $currentDate: { condemned_at: true } },
    );
  }
}

/** Removes documents that have been marked since `before`, by the server's clock, and counts them. */
export async function removeCondemned(
  { all }: Pick<Store, "all">,
  ids: readonly StoredBytes[],
  before: Date,
): Promise<number> {
  let removed = 0;
  for await (const batch of paceBatches(ids)) {
    const { deletedCount } = await all.deleteMany({
      _id: { $in: batch as never[] },
      condemned_at: { $lte: before },
    });
    removed += deletedCount;
  }
  return removed;
}

/** Takes the mark off documents that turn out to be in use. */
export async function pardonDocuments(
  { all }: Pick<Store, "all">,
  ids: readonly StoredBytes[],
): Promise<void> {
  for await (const batch of paceBatches(ids)) {
    await all.updateMany({ _id: { $in: batch as never[] } }, { $unset: { condemned_at: "" } });
  }
}
