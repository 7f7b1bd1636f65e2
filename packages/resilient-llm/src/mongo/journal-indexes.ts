import type { Collection, Document } from "mongodb";

/** The indexes of the journal's collection: entries expire by the server's clock, and go with their thread. */
export async function ensureJournalIndexes<T extends Document>(
  collection: Collection<T>,
): Promise<void> {
  await collection.createIndexes([
    { key: { thread_id: 1 }, name: "by_thread" },
    { key: { expires_at: 1 }, name: "by_expiry", expireAfterSeconds: 0 },
  ]);
}
