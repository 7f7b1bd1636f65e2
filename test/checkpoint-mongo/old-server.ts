import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { MongoClient, type Db, type Document } from "mongodb";
import { onTestFinished } from "vitest";
import { interceptCollections } from "./intercept-collections.ts";
import type { TestDatabase } from "./use-database.ts";

/** The wire version of MongoDB 7.0, which cannot write to several collections by one command. */
const WIRE_VERSION = 21;

/** What servers before 5.1 say to a `$lookup` from a sharded collection. */
const NOT_FROM_SHARDED = 28_769;

/** What a server cannot do. */
export interface Age {
  /** It says that it is MongoDB 7.0, and the client has no `bulkWrite` of its own. */
  readonly isBefore8: boolean;
  /** The collection is sharded, and nothing can be joined from it. */
  readonly cannotJoin: boolean;
}

/** Makes a client's server look old. */
export function age(client: MongoClient, { isBefore8, cannotJoin }: Age): MongoClient {
  if (isBefore8) dropBulkWrite(client);
  if (cannotJoin) {
    interceptCollections(client, (collection) => {
      const aggregate = collection.aggregate.bind(collection);
      const refuse = (...parameters: Parameters<typeof aggregate>) =>
        Object.assign(aggregate(...parameters), { toArray: () => Promise.reject(refuseJoin()) });
      Object.assign(collection, { aggregate: refuse });
    });
  }
  return client;
}

/** A saver on a server that is old in every way. */
export function openOnOldServer(
  database: Pick<TestDatabase, "uri" | "name">,
  settings: MongoDBSaverSettings = {},
): MongoDBSaver {
  const client = age(new MongoClient(database.uri), { isBefore8: true, cannotJoin: true });
  onTestFinished(() => client.close());
  return new MongoDBSaver({ dbName: database.name, ...settings, client });
}

function dropBulkWrite(client: MongoClient): void {
  const open = client.db.bind(client);
  const ageDb = (db: Db): Db => {
    const admin = db.admin();
    const command = admin.command.bind(admin);
    const answer = async (request: Document) => ({
      ...(await command(request)),
      maxWireVersion: WIRE_VERSION,
    });
    return Object.assign(db, { admin: () => Object.assign(admin, { command: answer }) });
  };
  Object.assign(client, {
    db: (...parameters: Parameters<typeof open>) => ageDb(open(...parameters)),
    bulkWrite: () => Promise.reject(new Error("This server has no such command.")),
  });
}

function refuseJoin(): Error {
  return Object.assign(new Error("threadkeep_threads cannot be sharded"), {
    name: "MongoServerError",
    code: NOT_FROM_SHARDED,
  });
}
