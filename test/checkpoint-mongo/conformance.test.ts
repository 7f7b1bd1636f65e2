import {
  deltaChannelHistoryTests,
  specTest,
  type CheckpointSaverTestInitializer,
} from "@langchain/langgraph-checkpoint-validation";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { temporaryDatabase, type TemporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { afterAll, inject } from "vitest";

const client = new MongoClient(inject("mongodbUri"));
const databases = new Map<MongoDBSaver, TemporaryDatabase>();

afterAll(() => client.close());

const initializer: CheckpointSaverTestInitializer<MongoDBSaver> = {
  // Another name than the official saver's, for which the suite leaves tests out.
  checkpointerName: "@threadkeep/checkpoint-mongo",
  createCheckpointer() {
    const database = temporaryDatabase(client);
    const saver = new MongoDBSaver({ client, dbName: database.name });
    databases.set(saver, database);
    return saver;
  },
  async destroyCheckpointer(saver) {
    await databases.get(saver)?.drop();
    databases.delete(saver);
  },
};

specTest(initializer);
deltaChannelHistoryTests(initializer);
