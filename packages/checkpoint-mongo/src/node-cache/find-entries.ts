import type { Collection } from "mongodb";
import type { StoredEntry } from "./entry-document.ts";

/** Finds the entries that have not expired by the server's clock, with one command. */
export function findEntries(
  collection: Collection,
  ids: readonly Uint8Array[],
): Promise<StoredEntry[]> {
  // The `$or` is inside the expression, because FerretDB refuses $$NOW where it could use the index.
  const lives = { $or: [{ $gt: ["$expires_at", "$$NOW"] }, { $lte: ["$expires_at", null] }] };
  const filter = { _id: { $in: ids }, $expr: lives };
  return (
    collection
      // One more than there can be: otherwise the server leaves the cursor open for a second command.
      .find<StoredEntry>(filter as object, { batchSize: ids.length + 1 })
      .toArray()
  );
}
