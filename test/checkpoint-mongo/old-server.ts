import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { MongoClient, type Db, type Document } from "mongodb";
import { onTestFinished } from "vitest";
import type { TestDatabase } from "./use-database.ts";

/** The wire version of MongoDB 7.0, which cannot write to several collections by one command. */
const WIRE_VERSION = 21;

/** A saver whose client says that its server is MongoDB 7.0, and has no `bulkWrite` of its own. */
export function openOnOldServer(
  database: Pick<TestDatabase, "uri" | "name">,
  settings: MongoDBSaverSettings = {},
): MongoDBSaver {
  const client = new MongoClient(database.uri);
  onTestFinished(() => client.close());
  const open = client.db.bind(client);
  const age = (db: Db): Db => {
    const admin = db.admin();
    const command = admin.command.bind(admin);
    const answer = async (request: Document) => ({
      ...(await command(request)),
      maxWireVersion: WIRE_VERSION,
    });
    return Object.assign(db, { admin: () => Object.assign(admin, { command: answer }) });
  };
  Object.assign(client, {
    db: (...parameters: Parameters<typeof open>) => age(open(...parameters)),
    bulkWrite: () => Promise.reject(new Error("This server has no such command.")),
  });
  return new MongoDBSaver({ dbName: database.name, ...settings, client });
}
