import type { PendingWrite } from "@langchain/langgraph-checkpoint";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { requireFeature } from "@threadkeep/local-mongodb/features";
import { MongoClient } from "mongodb";
import { expect, it, onTestFinished } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { randomText } from "./random-text.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

/** No document may be larger. */
const LIMIT = 16 * 1_024 * 1_024;

it("a string and a pending write that are each larger than any document come back", async () => {
  const saver = database.openSaver();
  const text = randomText(LIMIT + 1_000_000);
  const config = await putCheckpoint(saver, threadConfig("large"), makeCheckpoint({ text }));
  await saver.putWrites(config, [["text", text]], "task");
  const tuple = await database.openSaverElsewhere().getTuple(config);
  expect(tuple?.checkpoint.channel_values["text"] === text).toBe(true);
  expect(tuple?.pendingWrites?.[0]?.[2] === text).toBe(true);
});

it("pending writes that are too large for one reply with their checkpoint are read by themselves", async (context) => {
  // Only such servers can be made to refuse a reply by its size.
  await requireFeature(context, "fail points");
  const appName = "threadkeep-large-reply";
  const client = new MongoClient(database.uri, { appName });
  onTestFinished(() => client.close());
  const config = await putCheckpoint(
    database.openSaver(),
    threadConfig("refused"),
    makeCheckpoint({ a: 1 }),
  );
  const writes: PendingWrite[] = [["a", 2]];
  await database.openSaver().putWrites(config, writes, "task");
  const saver = new MongoDBSaver({ client, dbName: database.name });
  await saver.setup();
  await database.client.db("admin").command({
    configureFailPoint: "failCommand",
    mode: { times: 1 },
    // "BSONObjectTooLarge".
    data: { failCommands: ["aggregate"], errorCode: 10_334, appName },
  });
  const { pendingWrites, checkpoint } = (await saver.getTuple(config))!;
  expect(checkpoint.channel_values).toEqual({ a: 1 });
  expect(pendingWrites).toEqual([["task", "a", 2]]);
});
