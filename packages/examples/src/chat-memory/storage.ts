import { MongoDBSaver, MongoDBStore } from "@threadkeep/checkpoint-mongo";
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
  return {
    saver: new MongoDBSaver({ client, dbName }),
    store: new MongoDBStore({ client, dbName, collectionName: "memories" }),
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await mongodb[Symbol.asyncDispose]();
    },
  };
}
