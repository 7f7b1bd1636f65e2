import type { AnyBulkWriteOperation, Collection, Document } from "mongodb";
import { isDuplicateKeyError } from "../driver/server-errors.ts";
import type { EntryDocument } from "./entry-document.ts";

/** An entry to store. */
export interface EntryToSave {
  readonly document: EntryDocument;
  /** Undefined for an entry that does not expire. */
  readonly ttlMs: number | undefined;
}

/** Processes that store the same new entry at once can disturb each other. */
const ATTEMPTS = 3;

/** Stores entries, or replaces those with the same key, with one command. */
export async function saveEntries(
  collection: Collection,
  entries: readonly EntryToSave[],
): Promise<void> {
  const operations = entries.map(replaceEntry);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await collection.bulkWrite(operations, { ordered: false });
      return;
    } catch (error) {
      if (!isDuplicateKeyError(error) || attempt === ATTEMPTS) throw error;
    }
  }
}

/** An update with a pipeline: only there, expressions can use the server's clock. */
function replaceEntry({ document, ttlMs }: EntryToSave): AnyBulkWriteOperation {
  const { bytes, ...fields } = document;
  const entry: Document = { bytes, written_at: "$$NOW" };
  // Without $literal, a text that begins with $ would be an expression.
  for (const [name, value] of Object.entries(fields)) entry[name] = { $literal: value as unknown };
  if (ttlMs !== undefined) {
    entry["expires_at"] = {
      $dateAdd: { startDate: "$$NOW", unit: "millisecond", amount: ttlMs },
    };
  }
  return {
    updateOne: {
      filter: { _id: document._id },
      update: [{ $replaceWith: entry }],
      upsert: true,
    },
  };
}
