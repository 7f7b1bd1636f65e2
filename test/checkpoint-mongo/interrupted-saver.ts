import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { MongoClient, type AnyBulkWriteOperation, type Collection } from "mongodb";
import { onTestFinished } from "vitest";
import { kindOf, type Kind } from "./documents-of-kind.ts";
import { interceptCollections } from "./intercept-collections.ts";
import { sendInParts } from "./send-in-parts.ts";
import type { TestDatabase } from "./use-database.ts";

/** Where in what a saver sends something else happens. */
export interface Interruption {
  /**
   * The kind of documents that the command is about. If it has several updates, it happens before the
   * first one of this kind. "any" for before the whole command.
   */
  readonly kind: Kind | "any";
  readonly method: "bulkWrite" | "updateMany" | "findOne";
  /** Asked at each such command whether it is the one; by default it is the first. */
  readonly isDue?: () => boolean;
  /** What happens, once. */
  readonly action: () => Promise<unknown>;
}

/**
 * A saver of a slow process, or of a slow server: something else happens in the middle.
 *
 * @param prepare changes its client
 */
export function openInterrupted(
  database: Pick<TestDatabase, "uri" | "name">,
  { kind, method, isDue = () => true, action }: Interruption,
  settings: MongoDBSaverSettings = {},
  prepare?: (client: MongoClient) => void,
): MongoDBSaver {
  const client = new MongoClient(database.uri);
  prepare?.(client);
  let interrupted = false;
  onTestFinished(async () => {
    await client.close();
    if (!interrupted) throw new Error("The saver has sent nothing that was to be interrupted.");
  });
  const interrupt = (): boolean => {
    if (interrupted || !isDue()) return false;
    interrupted = true;
    return true;
  };
  interceptCollections(client, (collection) => {
    if (method === "bulkWrite") {
      const send = collection.bulkWrite.bind(collection);
      replace(collection, method, async (updates: AnyBulkWriteOperation[], options?: object) => {
        const at = updates.findIndex((update) => kind === "any" || kindOf(update) === kind);
        if (at === -1 || !interrupt()) return send(updates, options);
        return sendInParts(
          (part) => send(part, options),
          [updates.slice(0, at), updates.slice(at)],
          action,
        );
      });
    } else {
      const send = collection[method].bind(collection) as Send;
      replace(collection, method, async (filter: { kind?: Kind }, ...rest: unknown[]) => {
        if ((kind === "any" || filter.kind === kind) && interrupt()) await action();
        return send(filter, ...rest);
      });
    }
  });
  return new MongoDBSaver({ dbName: database.name, ...settings, client });
}

type Send = (filter: object, ...rest: unknown[]) => Promise<unknown>;

function replace(collection: Collection, method: Interruption["method"], by: unknown): void {
  Object.assign(collection, { [method]: by });
}
