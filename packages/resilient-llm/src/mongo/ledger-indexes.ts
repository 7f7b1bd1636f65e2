import type { Collection, Document } from "mongodb";

/** The indexes of the ledger's collections. Entries without a run or a user are not in those of runs and users. */
export async function ensureLedgerIndexes<Entry extends Document, Budget extends Document>(
  entries: Collection<Entry>,
  budgets: Collection<Budget>,
): Promise<void> {
  await entries.createIndexes([
    { key: { at: 1 }, name: "by_time" },
    { key: { thread_id: 1, at: 1 }, name: "by_thread" },
    {
      key: { user_id: 1, at: 1 },
      name: "by_user",
      partialFilterExpression: { user_id: { $exists: true } },
    },
    { key: { run_id: 1 }, name: "by_run", sparse: true },
    { key: { expires_at: 1 }, name: "by_expiry", expireAfterSeconds: 0 },
  ]);
  await budgets.createIndexes([
    { key: { expires_at: 1 }, name: "by_expiry", expireAfterSeconds: 0 },
  ]);
}
