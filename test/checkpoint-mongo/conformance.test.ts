import {
  deltaChannelHistoryTests,
  specTest,
  type CheckpointSaverTestInitializer,
} from "@langchain/langgraph-checkpoint-validation";
import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { temporaryDatabase, type TemporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { afterAll, inject } from "vitest";
import { CommandProxy } from "../network/command-proxy.ts";
import { disguise } from "./old-server.ts";

const uri = inject("mongodbUri");
const client = new MongoClient(uri);
// Writing and reading both take the other way, where there is one.
const oldServer = await CommandProxy.start(uri, disguise({ isBefore8: true, isRouter: true }));
const oldClient = new MongoClient(oldServer.uri);
const databases = new Map<MongoDBSaver, TemporaryDatabase>();

afterAll(async () => {
  await client.close();
  await oldClient.close();
  await oldServer[Symbol.asyncDispose]();
});

function initialize(
  checkpointerName: string,
  of: MongoClient,
  settings: MongoDBSaverSettings = {},
): CheckpointSaverTestInitializer<MongoDBSaver> {
  return {
    checkpointerName,
    createCheckpointer() {
      const database = temporaryDatabase(client);
      const saver = new MongoDBSaver({ client: of, dbName: database.name, ...settings });
      databases.set(saver, database);
      return saver;
    },
    async destroyCheckpointer(saver) {
      await databases.get(saver)?.drop();
      databases.delete(saver);
    },
  };
}

for (const initializer of [
  // Another name than the official saver's, for which the suite leaves tests out.
  initialize("@threadkeep/checkpoint-mongo", client),
  initialize("@threadkeep/checkpoint-mongo on an older, sharded server", oldClient),
]) {
  specTest(initializer);
  deltaChannelHistoryTests(initializer);
}

// What is buffered is seen by all that comes after it.
specTest(
  initialize("@threadkeep/checkpoint-mongo with write-behind", client, {
    batch: { maxCheckpoints: 3 },
  }),
);
