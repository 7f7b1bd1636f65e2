import type { StoredBytes } from "../driver/binary.ts";
import type { Store } from "./store.ts";

/** Documents changed with one command. */
const BATCH_SIZE = 1_000;

/** Marks segments for removal. A put that refers to one from now on takes the mark off again. */
export async function condemnSegments(
  { segments }: Store,
  ids: readonly StoredBytes[],
): Promise<void> {
  for (const batch of cutBatches(ids)) {
    await segments.updateMany(
      { _id: { $in: batch }, condemned_at: { $exists: false } },
      // By the server's clock: the clocks of processes that sweep may differ.
      { $currentDate: { condemned_at: true } },
    );
  }
}

/** Removes segments that have been marked since `before`, by the server's clock, and counts them. */
export async function removeCondemned(
  { segments }: Store,
  ids: readonly StoredBytes[],
  before: Date,
): Promise<number> {
  let removed = 0;
  for (const batch of cutBatches(ids)) {
    const { deletedCount } = await segments.deleteMany({
      _id: { $in: batch },
      condemned_at: { $lte: before },
    });
    removed += deletedCount;
  }
  return removed;
}

/** Takes the mark off segments that turn out to be referred to. */
export async function pardonSegments(
  { segments }: Store,
  ids: readonly StoredBytes[],
): Promise<void> {
  for (const batch of cutBatches(ids)) {
    await segments.updateMany({ _id: { $in: batch } }, { $unset: { condemned_at: "" } });
  }
}

function* cutBatches(ids: readonly StoredBytes[]): Generator<StoredBytes[]> {
  for (let start = 0; start < ids.length; start += BATCH_SIZE) {
    yield ids.slice(start, start + BATCH_SIZE);
  }
}
