import {
  deltaChannelHistoryTests,
  specTest,
  type CheckpointSaverTestInitializer,
} from "@langchain/langgraph-checkpoint-validation";
import type { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { useDatabase } from "../use-database.ts";
import { WITH_OLD } from "./encrypted-threads.ts";

const database = useDatabase();
let savers = 0;

const initializer: CheckpointSaverTestInitializer<MongoDBSaver> = {
  checkpointerName: "@threadkeep/checkpoint-mongo with encryption",
  createCheckpointer() {
    savers += 1;
    return database.openSaver({ encryption: WITH_OLD, collectionPrefix: `s${savers}_` });
  },
};

specTest(initializer);
deltaChannelHistoryTests(initializer);
