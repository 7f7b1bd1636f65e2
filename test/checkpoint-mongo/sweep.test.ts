import type { RunnableConfig } from "@langchain/core/runnables";
import { emptyCheckpoint, uuid6 } from "@langchain/langgraph-checkpoint";
import { InvalidOptionsError } from "@threadkeep/checkpoint-mongo";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { kindOf } from "./documents-of-kind.ts";
import { randomText } from "./random-text.ts";
import { openOnStoppingServer, STOPPED } from "./stopping-server.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const LONG_AGO = new Date(Date.now() - 2 * 60 * 60 * 1_000);

let threadId: string;

beforeEach(() => {
  threadId = uuid6(0);
});
afterEach(() => vi.useRealTimers());

it("an orphan is marked by one sweep and removed by a later one", async () => {
  await put(["kept"]);
  await storeOrphan("left behind");
  const saver = database.openSaver();
  expect(await saver.verifyThread(threadId)).toMatchObject({ orphanedSegments: 1, damages: [] });
  expect(await saver.sweep({ threadId })).toEqual({ condemned: 1, removed: 0 });
  expect(await saver.sweep({ threadId })).toEqual({ condemned: 0, removed: 0 });
  await ageMarks();
  expect(await saver.sweep({ threadId })).toEqual({ condemned: 0, removed: 1 });
  expect(await saver.verifyThread(threadId)).toMatchObject({ orphanedSegments: 0, damages: [] });
});

it("a segment that a checkpoint or pending write refers to is never marked", async () => {
  const config = await put(["a", "b"]);
  await put(["b", "c"], config);
  const large = randomText(20_000_000);
  await database.openSaver().putWrites(config, [["messages", large]], "task");
  expect(await database.openSaver().sweep({ threadId })).toEqual({ condemned: 0, removed: 0 });
});

it("a put removes the mark of an orphan that it refers to", async () => {
  await put(["kept"]);
  await storeOrphan("about to be used");
  const saver = database.openSaver();
  expect(await saver.sweep({ threadId })).toEqual({ condemned: 1, removed: 0 });
  await ageMarks();
  const config = await put(["about to be used"]);
  expect(await saver.sweep({ threadId })).toEqual({ condemned: 0, removed: 0 });
  const tuple = await database.openSaver().getTuple(config);
  expect(tuple?.checkpoint.channel_values["messages"]).toEqual([repeat("about to be used")]);
});

it("a put stores an orphan again that a sweep has just removed", async () => {
  await storeOrphan("removed");
  await put(["kept"]);
  const saver = database.openSaver();
  await saver.sweep({ threadId });
  await ageMarks();
  expect(await saver.sweep({ threadId })).toEqual({ condemned: 0, removed: 1 });
  await put(["removed"]);
  expect(await saver.verifyThread(threadId)).toMatchObject({ orphanedSegments: 0, damages: [] });
});

it("puts that run at the same time as sweeps lose nothing", async () => {
  const saver = database.openSaver();
  let config = await put(["0"]);
  const items = ["0"];
  for (let round = 1; round <= 8; round += 1) {
    await storeOrphan(`${round}`);
    items.push(`${round}`);
    await ageMarks();
    [config] = await Promise.all([put(items, config), saver.sweep({ threadId })]);
  }
  expect(await saver.verifyThread(threadId)).toMatchObject({ damages: [] });
  const tuple = await database.openSaver().getTuple(config);
  expect(tuple?.checkpoint.channel_values["messages"]).toEqual(items.map(repeat));
});

it("a mark on a segment that is in use is removed", async () => {
  await put(["kept"]);
  const segments = database.documents("segment");
  await segments.updateMany({ thread_id: threadId }, { $set: { condemned_at: LONG_AGO } });
  expect(await database.openSaver().sweep({ threadId })).toEqual({ condemned: 0, removed: 0 });
  expect(await segments.countDocuments({ thread_id: threadId, condemned_at: LONG_AGO })).toBe(0);
});

it("a put keeps a segment that an earlier life of the thread left to the server's TTL", async () => {
  await storeOrphan("left to expire");
  const segments = database.documents("segment");
  await segments.updateMany(
    { thread_id: threadId },
    { $set: { expires_at: new Date(Date.now() + 500), epoch: 7 } },
  );
  const config = await put(["left to expire"]);
  expect(await segments.findOne({ thread_id: threadId })).toEqual({
    _id: expect.anything() as unknown,
    thread_id: threadId,
    kind: "segment",
    segment: expect.anything() as unknown,
    part: 0,
    appends: 0,
    data: expect.anything() as unknown,
  });
  expect(await database.openSaver().getTuple(config)).toBeDefined();
});

it("after a checkpoint is put again with other content, its earlier segments are not built upon", async () => {
  const writer = database.openSaver();
  const parent = await put(["kept"], {}, writer);
  const again = {
    ...emptyCheckpoint(),
    id: parent.configurable!["checkpoint_id"] as string,
    channel_values: { messages: [repeat("other")] },
    channel_versions: { messages: 1 },
  };
  const place = { configurable: { thread_id: threadId } };
  const metadata = { source: "loop", step: 0, parents: {} } as const;
  const elsewhere = database.openSaverElsewhere();
  await elsewhere.put(place, again, metadata, { messages: 1 });
  const saver = database.openSaver();
  expect(await saver.sweep({ threadId })).toEqual({ condemned: 1, removed: 0 });
  await ageMarks();
  expect(await saver.sweep({ threadId })).toEqual({ condemned: 0, removed: 1 });
  // A node has run as long as it takes for two sweeps.
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 600_000 });
  const config = await put(["kept", "next"], parent, writer);
  const tuple = await database.openSaver().getTuple(config);
  expect(tuple?.checkpoint.channel_values["messages"]).toEqual(["kept", "next"].map(repeat));
  expect(await saver.verifyThread(threadId)).toMatchObject({ damages: [] });
});

describe("pending writes whose checkpoint is not there", () => {
  it("are marked by one sweep and removed by a later one, and what they hold after them", async () => {
    const { saver } = await orphanWrites();
    expect(await saver.sweep({ threadId })).toEqual({ condemned: 1, removed: 0 });
    expect(await countWrites()).toBe(2);
    await ageMarks();
    // Nothing refers to the segments of their value any more.
    const { condemned, removed } = await saver.sweep({ threadId });
    expect({ removed, areSegmentsMarked: condemned > 0 }).toEqual({
      removed: 1,
      areSegmentsMarked: true,
    });
    await ageMarks();
    expect(await saver.sweep({ threadId })).toEqual({ condemned: 0, removed: condemned });
    expect(await countWrites()).toBe(1);
    expect(await saver.verifyThread(threadId)).toMatchObject({ orphanedSegments: 0, damages: [] });
  });

  it("stay if the checkpoint comes after them", async () => {
    const { saver, checkpoint } = await orphanWrites();
    await saver.sweep({ threadId });
    await ageMarks();
    await database.documents("checkpoint").insertOne(checkpoint);
    for (let round = 0; round < 2; round += 1) {
      expect(await saver.sweep({ threadId })).toEqual({ condemned: 0, removed: 0 });
      await ageMarks();
    }
    expect(await countWrites()).toBe(2);
  });

  it("stay if they are stored again", async () => {
    const { saver, parent } = await orphanWrites();
    await saver.sweep({ threadId });
    await ageMarks();
    await database.openSaverElsewhere().putWrites(parent, [["messages", LARGE]], "task");
    expect(await saver.sweep({ threadId })).toEqual({ condemned: 1, removed: 0 });
  });

  it("stay if the official saver stored checkpoints of the thread", async () => {
    const { saver } = await orphanWrites();
    const stored = { checkpoint: Buffer.from("{}"), metadata: Buffer.from("{}"), type: "json" };
    const place = { thread_id: threadId, checkpoint_ns: "", checkpoint_id: uuid6(0) };
    await database.db.collection("checkpoints").insertOne({ ...place, ...stored });
    await saver.setup();
    expect(await saver.sweep({ threadId })).toEqual({ condemned: 0, removed: 0 });
    await database.db.collection("checkpoints").drop();
    await saver.setup();
  });
});

it("without a thread id all threads are swept", async () => {
  await put(["kept"]);
  await storeOrphan("left behind");
  const { condemned } = await database.openSaver().sweep();
  expect(condemned).toBeGreaterThanOrEqual(1);
});

it("a grace that is shorter than a put may take is refused", async () => {
  await expect(database.openSaver().sweep({ graceSeconds: 10 })).rejects.toThrow(
    InvalidOptionsError,
  );
});

function repeat(text: string): string {
  return `${text} `.repeat(60);
}

async function put(
  items: readonly string[],
  parent: RunnableConfig = {},
  saver = database.openSaver(),
): Promise<RunnableConfig> {
  const checkpoint = {
    ...emptyCheckpoint(),
    id: uuid6(1),
    channel_values: { messages: items.map(repeat) },
    channel_versions: { messages: items.length },
  };
  return saver.put(
    { configurable: { thread_id: threadId, ...parent["configurable"] } },
    checkpoint,
    { source: "loop", step: 0, parents: {} },
    { messages: items.length },
  );
}

/** A segment that a put has stored whose server stopped before it stored the checkpoint. */
async function storeOrphan(item: string): Promise<void> {
  const saver = await openOnStoppingServer(database, (updates) =>
    updates.findIndex((update) => kindOf(update) === "checkpoint"),
  );
  await expect(put([item], {}, saver)).rejects.toMatchObject(STOPPED);
}

/** More than goes into one document. */
const LARGE = randomText(20_000_000);

/** As a process leaves them that dies in a prune, between a checkpoint and its pending writes. */
async function orphanWrites() {
  const parent = await put(["first"]);
  // It shares what the first one is made of, and is not its child.
  const other = await put(["first"]);
  const saver = database.openSaver();
  await saver.putWrites(parent, [["messages", LARGE]], "task");
  await saver.putWrites(other, [["messages", "small"]], "task");
  const { checkpoint_id } = parent.configurable as { readonly checkpoint_id: string };
  const checkpoints = database.documents("checkpoint");
  const checkpoint = await checkpoints.findOne({ thread_id: threadId, checkpoint_id });
  await checkpoints.deleteOne({ thread_id: threadId, checkpoint_id });
  return { saver, parent, checkpoint: checkpoint! };
}

function countWrites(): Promise<number> {
  return database.documents("writes").countDocuments({ thread_id: threadId });
}

/** Makes marks look as if they had been set long ago. */
async function ageMarks(): Promise<void> {
  for (const kind of ["segment", "writes"] as const) {
    const marked = { condemned_at: { $exists: true } };
    await database.documents(kind).updateMany(marked, { $set: { condemned_at: LONG_AGO } });
  }
}
