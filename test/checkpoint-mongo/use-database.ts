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
import { CommandProxy, type Handle } from "../network/command-proxy.ts";
import { COLLECTION } from "./collection-name.ts";
import { narrowToKind, type Kind } from "./documents-of-kind.ts";
import { asNewProcess } from "./new-process.ts";

export { COLLECTION } from "./collection-name.ts";

/** A database of one's own on the test run's server, for all tests of one file. */
export interface TestDatabase {
  readonly uri: string;
  readonly name: string;
  readonly client: MongoClient;
  /** The client of {@link openSaverElsewhere}. */
  readonly otherClient: MongoClient;
  readonly db: Db;
  /**
   * The saver of a process that has just started, on the connection of the file's client; without a
   * `dbName` on the file's database.
   */
  openSaver(settings?: MongoDBSaverSettings): MongoDBSaver;
  /** The same on the connection of another client. */
  openSaverElsewhere(settings?: MongoDBSaverSettings): MongoDBSaver;
  /** All documents of one kind, as a collection of their own. */
  documents<T extends Document = Document>(kind: Kind): Collection<T>;
  /** Everything stored of a thread, or of all threads. */
  readAll(threadId?: string): Promise<Document[]>;
  /** The commands that the file's client sends while an action runs. */
  recordCommands(action: () => Promise<unknown>): Promise<string[]>;
}

/**
 * Sets up a database as {@link useDatabase} does, all of whose clients send their commands through a
 * function of the test's.
 */
export async function useDatabaseThrough(handle: Handle): Promise<TestDatabase> {
  const proxy = await CommandProxy.start(inject("mongodbUri"), handle);
  // Hooks that are added later run earlier: the clients are closed by then.
  afterAll(() => proxy[Symbol.asyncDispose]());
  return useDatabase(proxy.uri);
}

/** Sets up a database before the tests of a file and removes it, with its clients, after them. */
export function useDatabase(uri: string = inject("mongodbUri")): TestDatabase {
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
  const open = (shared: MongoClient, settings?: MongoDBSaverSettings) =>
    new MongoDBSaver({ dbName: database.name, ...settings, client: asNewProcess(shared) });
  return {
    uri,
    name: database.name,
    client,
    otherClient,
    db,
    openSaver: (settings) => open(client, settings),
    openSaverElsewhere: (settings) => open(otherClient, settings),
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
