import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { temporaryDatabase } from "@threadkeep/local-mongodb";
import {
  MongoClient,
  type Collection,
  type CommandStartedEvent,
  type Db,
  type Document,
} from "mongodb";
import { afterAll, inject } from "vitest";
import { narrowToKind, type Kind } from "./documents-of-kind.ts";

/** The collection of a saver with default options. */
export const COLLECTION = "threadkeep_threads";

/** A database of one's own on the test run's server, for all tests of one file. */
export interface TestDatabase {
  readonly uri: string;
  readonly name: string;
  readonly client: MongoClient;
  readonly db: Db;
  /** A saver on the file's client; without a `dbName` on the file's database. */
  openSaver(settings?: MongoDBSaverSettings): MongoDBSaver;
  /** A saver on a second client and with an empty cache, as another process has. */
  openSaverElsewhere(settings?: MongoDBSaverSettings): MongoDBSaver;
  /** All documents of one kind, as a collection of their own. */
  documents<T extends Document = Document>(kind: Kind): Collection<T>;
  /** Everything stored of a thread, or of all threads. */
  readAll(threadId?: string): Promise<Document[]>;
  /** The commands that the file's client sends while an action runs. */
  recordCommands(action: () => Promise<unknown>): Promise<string[]>;
}

/** Sets up a database before the tests of a file and removes it, with its clients, after them. */
export function useDatabase(): TestDatabase {
  const uri = inject("mongodbUri");
  const client = new MongoClient(uri, { monitorCommands: true });
  const database = temporaryDatabase(client);
  const db = client.db(database.name);
  // It connects on first use.
  const otherClient = new MongoClient(uri);
  afterAll(async () => {
    await database.drop();
    await client.close();
    await otherClient.close();
  });
  return {
    uri,
    name: database.name,
    client,
    db,
    openSaver: (settings) => new MongoDBSaver({ dbName: database.name, ...settings, client }),
    openSaverElsewhere: (settings) =>
      new MongoDBSaver({ dbName: database.name, ...settings, client: otherClient }),
    documents: <T extends Document>(kind: Kind) => narrowToKind(db.collection<T>(COLLECTION), kind),
    readAll: (threadId) =>
      db
        .collection(COLLECTION)
        .find(threadId === undefined ? {} : { thread_id: threadId })
        .toArray(),
    recordCommands: async (action) => {
      const names: string[] = [];
      const record = ({ commandName }: CommandStartedEvent) => names.push(commandName);
      client.on("commandStarted", record);
      try {
        await action();
      } finally {
        client.off("commandStarted", record);
      }
      return names;
    },
  };
}
