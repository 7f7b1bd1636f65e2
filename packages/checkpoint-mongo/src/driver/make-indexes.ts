import type { Collection, Document, IndexDescription } from "mongodb";
import { setTimeout as sleep } from "node:timers/promises";
import { readErrorCode } from "./server-errors.ts";

/** Several processes that make the same index at once can disturb each other for a moment. */
const ATTEMPTS = 5;
const RETRY_DELAY_MS = 200;

const TRANSIENT_CODES: ReadonlySet<number | undefined> = new Set([
  48, // NamespaceExists
  112, // WriteConflict
  117, // ConflictingOperationInProgress
  276, // IndexBuildAborted
  342, // IndexBuildAlreadyInProgress
]);

/** Makes indexes of a collection, again where another process got in the way. Errors are the driver's. */
export async function makeIndexes<T extends Document>(
  collection: Collection<T>,
  indexes: readonly IndexDescription[],
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await collection.createIndexes([...indexes]);
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !TRANSIENT_CODES.has(readErrorCode(error))) throw error;
      await sleep(RETRY_DELAY_MS * attempt * Math.random());
    }
  }
}
