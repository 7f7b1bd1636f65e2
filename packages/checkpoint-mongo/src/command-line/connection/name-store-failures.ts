import type { ArchiveStore } from "../../archive-store/archive-store.ts";
import { ThreadkeepError } from "../../errors/threadkeep-error.ts";
import { CommandLineError } from "../command-line-error.ts";
import { EXIT_CODES } from "../exit-codes.ts";

/**
 * An archive store whose failures say that they are its own. What the file system or the AWS SDK throws does not tell
 * what it was needed for.
 *
 * @param place as it is given on the command line
 */
export function nameStoreFailures(store: ArchiveStore, place: string): ArchiveStore {
  const name = async <T>(acting: Promise<T>): Promise<T> => {
    try {
      return await acting;
    } catch (error) {
      throw explain(error, place);
    }
  };
  return {
    put: (key, content) => name(store.put(key, content)),
    get: (key) => name(store.get(key)),
    delete: (key) => name(store.delete(key)),
    list: (prefix) => store.list(prefix),
  };
}

function explain(error: unknown, place: string): unknown {
  // What is put is read from the database: that may have failed.
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (ThreadkeepError.isInstance(error) || name.startsWith("Mongo")) return error;
  return new CommandLineError(
    EXIT_CODES.unavailable,
    "ARCHIVE_STORE_UNAVAILABLE",
    `The archive store ${place} failed: ${(message || name).replace(/\.?$/, ".")} Threads that were not moved are as ` +
      "they were.",
  );
}
