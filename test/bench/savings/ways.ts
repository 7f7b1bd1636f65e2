import { MongoDBSaver as OfficialSaver } from "@langchain/langgraph-checkpoint-mongodb";
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import type { CallJournal } from "@threadkeep/resilient-llm";
import { MongoDBCallJournal } from "@threadkeep/resilient-llm/mongo";
import type { MongoClient } from "mongodb";

/** How a job is kept. */
export interface Way {
  readonly name: string;
  /** What a process opens when it starts. */
  readonly open: (
    client: MongoClient,
    dbName: string,
  ) => { readonly saver?: BaseCheckpointSaver; readonly journal?: CallJournal };
}

/** What is compared. */
export const WAYS: readonly Way[] = [
  { name: "without checkpoints", open: () => ({}) },
  {
    name: "official saver",
    open: (client, dbName) => ({
      saver: new OfficialSaver({
        client: client as never,
        dbName,
      }),
    }),
  },
  {
    name: "Threadkeep",
    open: (client, dbName) => ({
      saver: new MongoDBSaver({ client, dbName }),
      journal: new MongoDBCallJournal({ client, dbName }),
    }),
  },
];
