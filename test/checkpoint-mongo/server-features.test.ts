import {
  deltaChannelHistoryTests,
  specTest,
  type CheckpointSaverTestInitializer,
} from "@langchain/langgraph-checkpoint-validation";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { temporaryDatabase, type TemporaryDatabase } from "@threadkeep/local-mongodb";
import type { CommandStartedEvent, Db } from "mongodb";
import { describe, expect, it, vi } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

/** What the saver takes the server for, by database. Only the detection is replaced. */
const featuresOf = vi.hoisted(() => new Map<string, object>());

vi.mock(import("../../packages/checkpoint-mongo/src/store/server-features.ts"), () => ({
  detectServerFeatures: ({ databaseName }: Db) =>
    Promise.resolve(featuresOf.get(databaseName) as { clientBulkWrite: boolean; sharded: boolean }),
}));

const database = useDatabase();

const databases = new Map<MongoDBSaver, TemporaryDatabase>();

function openSaver(features: { clientBulkWrite: boolean; sharded: boolean }): MongoDBSaver {
  const own = temporaryDatabase(database.client);
  featuresOf.set(own.name, features);
  const saver = new MongoDBSaver({ client: database.client, dbName: own.name });
  databases.set(saver, own);
  return saver;
}

const initializer: CheckpointSaverTestInitializer<MongoDBSaver> = {
  checkpointerName: "@threadkeep/checkpoint-mongo on an older, sharded server",
  // Reading and writing both take the other way than on the server of these tests.
  createCheckpointer: () => openSaver({ clientBulkWrite: false, sharded: true }),
  async destroyCheckpointer(saver) {
    await databases.get(saver)?.drop();
  },
};

specTest(initializer);
deltaChannelHistoryTests(initializer);

describe.each([
  { clientBulkWrite: false, sharded: false },
  { clientBulkWrite: true, sharded: true },
  { clientBulkWrite: false, sharded: true },
])("on a server with %o", (features) => {
  it("commands per call stay constant", async () => {
    const saver = openSaver(features);
    let config = await putCheckpoint(saver, threadConfig("t"), makeCheckpoint({ a: 1 }));
    for (const length of [1, 2, 3]) {
      const list = Array.from({ length }, (_, index) => `item ${index} `.repeat(50));
      const checkpoint = makeCheckpoint({ list }, { versions: { list: length } });
      const put = await database.recordCommands(async () => {
        config = await putCheckpoint(saver, config, checkpoint);
      });
      // Thread, segments, checkpoint, in this order: the checkpoint makes the others visible. Then the
      // thread again.
      expect(put).toEqual(
        features.clientBulkWrite ? ["bulkWrite"] : ["update", "update", "update", "update"],
      );
      const writes = await database.recordCommands(() =>
        saver.putWrites(config, [["list", ["x"]]], "task"),
      );
      expect(writes).toEqual(
        features.clientBulkWrite ? ["bulkWrite"] : ["update", "update", "update"],
      );
      const read = await database.recordCommands(() => saver.getTuple(threadConfig("t")));
      expect(read).toEqual(features.sharded ? ["find", "find"] : ["aggregate"]);
    }
    await databases.get(saver)?.drop();
  });

  it("on a router, reads of a thread name it, so that they go to its shard alone", async () => {
    const saver = openSaver(features);
    const filters: unknown[] = [];
    const record = ({ command }: CommandStartedEvent) => {
      if ("find" in command) filters.push(command["filter"]);
    };
    database.client.on("commandStarted", record);
    const config = await putCheckpoint(saver, threadConfig("t"), makeCheckpoint({ a: ["x"] }));
    await saver.putWrites(config, [["a", 1]], "task");
    await saver.getTuple(config);
    await Array.fromAsync(saver.list(threadConfig("t")));
    await saver.getDeltaChannelHistory({ config, channels: ["a"] });
    database.client.off("commandStarted", record);
    expect(filters.length).toBeGreaterThan(0);
    const unbound = filters.filter((filter) => !Object.hasOwn(filter as object, "thread_id"));
    // Elsewhere pending writes are found by their checkpoint alone.
    expect(unbound.length > 0).toBe(!features.sharded);
    await databases.get(saver)?.drop();
  });
});
