import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { MongoClient, type Collection, type Db } from "mongodb";
import { onTestFinished } from "vitest";
import type { TestDatabase } from "./use-database.ts";

/** The command of a saver before which something else happens. */
export interface Interruption {
  /** "all" for commands that write to several. */
  readonly collection: "threads" | "checkpoints" | "segments" | "writes" | "all";
  readonly method: "bulkWrite" | "updateMany" | "deleteMany" | "findOne";
  /** Asked before each such command whether it is the one; by default it is the first. */
  readonly isDue?: () => boolean;
  /** What happens, once. */
  readonly action: () => Promise<unknown>;
}

/** A saver of a slow process: something else happens before a command of its. */
export function openInterrupted(
  database: Pick<TestDatabase, "uri" | "name">,
  { collection, method, isDue = () => true, action }: Interruption,
  settings: MongoDBSaverSettings = {},
): MongoDBSaver {
  const client = new MongoClient(database.uri);
  onTestFinished(() => client.close());
  let interrupted = false;
  const interrupt = <T extends Collection | MongoClient>(found: T): T => {
    const methods = found as unknown as Record<string, (...parameters: unknown[]) => unknown>;
    const send = methods[method]!.bind(found);
    return Object.assign(found, {
      [method]: async (...parameters: unknown[]) => {
        if (!interrupted && isDue()) {
          interrupted = true;
          await action();
        }
        return send(...parameters);
      },
    });
  };
  const open = client.db.bind(client);
  const slowDown = (db: Db): Db => {
    const find = db.collection.bind(db);
    return Object.assign(db, {
      collection: (name: string) =>
        name.endsWith(`_${collection}`) ? interrupt(find(name)) : find(name),
    });
  };
  Object.assign(collection === "all" ? interrupt(client) : client, {
    db: (...parameters: Parameters<typeof open>) => slowDown(open(...parameters)),
  });
  return new MongoDBSaver({ dbName: database.name, ...settings, client });
}
