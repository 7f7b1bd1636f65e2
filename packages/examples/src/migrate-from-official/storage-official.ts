import { MongoDBSaver, MongoDBStore } from "@langchain/langgraph-checkpoint-mongodb";
import type { ReportStorage } from "./report-graph.ts";

type Client = ConstructorParameters<typeof MongoDBStore>[0]["client"];

/** Keeps threads and items in the database of the client that is passed in. */
export function makeStorage(client: Client, dbName: string): ReportStorage {
  return {
    saver: new MongoDBSaver({ client, dbName }),
    store: new MongoDBStore({ client, dbName, collectionName: "items" }),
  };
}
