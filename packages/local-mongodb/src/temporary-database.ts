import { randomBytes } from "node:crypto";
import type { MongoClient } from "mongodb";

/** A database that nobody else uses. */
export interface TemporaryDatabase extends AsyncDisposable {
  readonly name: string;
  /** Removes the database and all it holds. */
  drop(): Promise<void>;
}

/**
 * A name for a database of one's own on a shared server, so that tests run side by side. It comes
 * to be with the first write; `drop()`, or the end of an `await using`, removes it.
 *
 * @example
 * ```ts
 * const database = temporaryDatabase(client);
 * afterAll(() => database.drop());
 * const saver = new MongoDBSaver({ client, dbName: database.name });
 * ```
 */
export function temporaryDatabase(client: MongoClient): TemporaryDatabase {
  const name = `threadkeep_${randomBytes(8).toString("hex")}`;
  const drop = async (): Promise<void> => {
    await client.db(name).dropDatabase();
  };
  return { name, drop, [Symbol.asyncDispose]: drop };
}
