import type { Collection } from "mongodb";
import { deleteAll } from "../driver/change-many.ts";

/** The bound is checked each time this share of it is written, and an eviction frees as much more. */
const SLACK = 1 / 16;

/**
 * Whether a set of this many bytes has to check the bound.
 *
 * It is decided at random, so that no process has to count: between two checks, all processes together write a
 * sixteenth of the bound on average, however many they are and however short they live. The probability of
 * more than n sixteenths is exp(-n).
 */
export function isTimeToEvict(writtenBytes: number, maxBytes: number): boolean {
  return Math.random() * maxBytes * SLACK < writtenBytes;
}

/**
 * Deletes the oldest entries if all together are above the bound: one command to check, two or more to delete.
 * Processes that evict at once delete the same entries.
 */
export async function evictEntries(collection: Collection, maxBytes: number): Promise<void> {
  const [total] = await collection
    .aggregate<{ bytes: number }>([{ $group: { _id: null, bytes: { $sum: "$bytes" } } }])
    .toArray();
  const excess = (total?.bytes ?? 0) - maxBytes;
  if (excess <= 0) return;
  const last = await findLastToEvict(collection, excess + maxBytes * SLACK);
  if (last === undefined) return;
  // By place in the order, not by id: an entry that was written again meanwhile stays.
  const { _id, written_at } = last;
  await deleteAll(collection, {
    $or: [{ written_at: { $lt: written_at } }, { written_at, _id: { $lte: _id } }],
  } as object);
}

/** The last of the oldest entries that take so many bytes. Read from the index alone. */
async function findLastToEvict(
  collection: Collection,
  bytesToFree: number,
): Promise<{ _id: unknown; written_at: unknown } | undefined> {
  const oldest = collection
    .find({}, { projection: { written_at: 1, bytes: 1 }, batchSize: 10_000 })
    .sort({ written_at: 1, _id: 1 });
  let freed = 0;
  for await (const { _id, written_at, bytes } of oldest) {
    // Damage may have put anything there.
    freed += typeof bytes === "number" ? bytes : 0;
    if (freed >= bytesToFree) return { _id, written_at: written_at as unknown };
  }
  return undefined;
}
