import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { type CallJournal, InMemoryCallJournal } from "@threadkeep/resilient-llm";
import { MongoDBCallJournal } from "@threadkeep/resilient-llm/mongo";
import { type Collection, type Document, MongoClient } from "mongodb";
import { afterAll, inject } from "vitest";

/** A journal, as each of several processes has it. */
export interface TestJournal {
  readonly name: string;
  /** The journal as a process has it that has just started. */
  readonly open: () => CallJournal;
}

/** The journal of one process. */
export function inMemory(): TestJournal {
  const journal = new InMemoryCallJournal();
  return { name: "InMemoryCallJournal", open: () => journal };
}

/** A journal on MongoDB, in a database of the test file's own. */
export interface DatabaseJournal extends TestJournal {
  readonly client: MongoClient;
  readonly dbName: string;
  readonly entries: Collection;
  /** Changes what is stored of a thread, behind the journal's back. */
  damage(threadId: string, pipeline: Document[]): Promise<void>;
}

/** A journal on the run's server, for one test file. */
export function useJournalDatabase(): DatabaseJournal {
  const client = new MongoClient(inject("mongodbUri"));
  const database = temporaryDatabase(client);
  afterAll(async () => {
    await database.drop();
    await client.close();
  });
  const entries = client.db(database.name).collection("threadkeep_calls");
  return {
    name: "MongoDBCallJournal",
    client,
    dbName: database.name,
    entries,
    open: () => new MongoDBCallJournal({ client, dbName: database.name }),
    damage: async (threadId, pipeline) => {
      await entries.updateMany({ thread_id: threadId }, pipeline);
    },
  };
}
