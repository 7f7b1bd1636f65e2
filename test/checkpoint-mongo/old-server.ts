import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { MongoClient, type Db, type Document } from "mongodb";
import { onTestFinished } from "vitest";
import { interceptCollections } from "./intercept-collections.ts";
import type { TestDatabase } from "./use-database.ts";

/** The wire version of MongoDB 7.0, which cannot write to several collections by one command. */
const WIRE_VERSION = 21;

/** What servers before 5.1 say to a `$lookup` from a sharded collection. */
const NOT_FROM_SHARDED = 28_769;

/** What kind of server it is. */
export interface Server {
  /** It says that it is MongoDB 7.0, and the client has no `bulkWrite` of its own. */
  readonly isBefore8: boolean;
  /** It says that it is the router of a sharded cluster, and nothing can be joined there. */
  readonly isRouter: boolean;
}

/** Makes a client's server look like another. */
export function disguise(client: MongoClient, { isBefore8, isRouter }: Server): MongoClient {
  answerHello(client, {
    ...(isBefore8 && { maxWireVersion: WIRE_VERSION }),
    ...(isRouter && { msg: "isdbgrid" }),
  });
  if (isBefore8) {
    client.bulkWrite = () => Promise.reject(new Error("This server has no such command."));
  }
  if (isRouter) {
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
  const client = disguise(new MongoClient(database.uri), { isBefore8: true, isRouter: true });
  onTestFinished(() => client.close());
  return new MongoDBSaver({ dbName: database.name, ...settings, client });
}

function answerHello(client: MongoClient, answer: Document): void {
  const open = client.db.bind(client);
  const disguiseDb = (db: Db): Db => {
    const send = db.command.bind(db);
    const command = async (...parameters: Parameters<Db["command"]>) => {
      const reply = await send(...parameters);
      return "hello" in parameters[0] ? { ...reply, ...answer } : reply;
    };
    return Object.assign(db, { command });
  };
  Object.assign(client, {
    db: (...parameters: Parameters<typeof open>) => disguiseDb(open(...parameters)),
  });
}

function refuseJoin(): Error {
  return Object.assign(new Error("threadkeep_threads cannot be sharded"), {
    name: "MongoServerError",
    code: NOT_FROM_SHARDED,
  });
}
