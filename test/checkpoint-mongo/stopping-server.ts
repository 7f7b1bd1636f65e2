import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { MongoClient, type AnyBulkWriteOperation } from "mongodb";
import { onTestFinished } from "vitest";
import { interceptCollections } from "./intercept-collections.ts";
import type { TestDatabase } from "./use-database.ts";

/** What the saver is told of a command that was not carried out as a whole. */
export const STOPPED = new Error("The server has stopped.");

/**
 * A saver whose server carries out just the first updates of a command.
 *
 * @param choose how many of them
 */
export async function openOnStoppingServer(
  database: Pick<TestDatabase, "uri" | "name">,
  choose: (updates: readonly AnyBulkWriteOperation[]) => number,
  settings: MongoDBSaverSettings = {},
): Promise<MongoDBSaver> {
  const client = new MongoClient(database.uri);
  onTestFinished(() => client.close());
  interceptCollections(client, (collection) => {
    const send = collection.bulkWrite.bind(collection);
    collection.bulkWrite = async (updates, options) => {
      const count = choose(updates);
      if (count >= updates.length) return send(updates, options);
      if (count > 0) await send(updates.slice(0, count), options);
      throw STOPPED;
    };
  });
  const saver = new MongoDBSaver({ ...settings, client, dbName: database.name });
  await saver.setup();
  return saver;
}
