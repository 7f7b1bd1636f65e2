import { MongoDBStore } from "@langchain/langgraph-checkpoint-mongodb";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import type { ChatStorage } from "./chat-graph.ts";
import { findMongoDB } from "./find-mongodb.ts";

/** Storage that is open, and closes with its connection. */
export type OpenStorage = ChatStorage & AsyncDisposable;

/** Opens the database that the environment names; see `.env.example`. */
export async function openStorage(environment: NodeJS.ProcessEnv): Promise<OpenStorage> {
  const mongodb = await findMongoDB(environment);
  const client = new MongoClient(mongodb.uri);
  const dbName = environment["MONGODB_DB"] || "chat_memory";
  // The official package names the type of its own copy of the driver.
  const store = new MongoDBStore({ client: client as never, dbName, collectionName: "memories" });
  await store.start();
  return {
    saver: new MongoDBSaver({ client, dbName }),
    store,
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await mongodb[Symbol.asyncDispose]();
    },
  };
}
