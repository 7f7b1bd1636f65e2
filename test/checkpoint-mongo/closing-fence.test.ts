import { uuid6 } from "@langchain/langgraph-checkpoint";
import type { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { afterEach, describe, expect, it } from "vitest";
import { hashLife } from "../../packages/checkpoint-mongo/src/integrity/hashes.ts";
import { openInterrupted } from "./interrupted-saver.ts";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { ServerTime } from "./server-time.ts";
import { readExpiry } from "./thread-expiry.ts";
import { useDatabaseThrough } from "./use-database.ts";

const time = new ServerTime();
const database = await useDatabaseThrough(time.handle);

afterEach(() => time.reset());

const HOUR = 3_600;

describe.each([
  { method: "put", before: "segment" },
  { method: "put", before: "checkpoint" },
  { method: "putWrites", before: "writes" },
] as const)("$method, before it stores its $before,", ({ method, before }) => {
  it("that was overtaken by a change of the expiry leaves the same expiry everywhere", async () => {
    const threadId = uuid6(0);
    const parent = await fill(threadId);
    const slow = await openSlow(before, async () => {
      // Less than the ttl is left now, so the expiry moves.
      time.passMinutes(40);
      await putCheckpoint(
        database.openSaver({ ttl: HOUR }),
        threadConfig(threadId, { namespace: "other" }),
        makeCheckpoint({ a: 1 }),
      );
    });
    await save(slow, method, parent);
    expect(await readExpiry(database, threadId)).toBeDefined();
    expect((await database.openSaver().verifyThread(threadId)).damages).toEqual([]);
  });

  it("that was overtaken by a deletion belongs to the thread's next life, whole", async () => {
    const threadId = uuid6(0);
    const parent = await fill(threadId);
    const slow = await openSlow(before, () => database.openSaver().deleteThread(threadId));
    await save(slow, method, parent);
    const report = await database.openSaver().verifyThread(threadId);
    expect(report).toMatchObject({ damages: [], checkpoints: method === "put" ? 1 : 0 });
    const documents = await database.readAll(threadId);
    expect(new Set(documents.map(({ epoch }) => epoch as unknown))).toEqual(new Set([1]));
  });
});

it.each([
  { before: "segment", ttl: undefined },
  { before: "checkpoint", ttl: undefined },
  { before: "segment", ttl: HOUR },
  { before: "checkpoint", ttl: HOUR },
] as const)(
  "a put overtaken by a deletion and by a new start of the thread is whole, and so is the new start (ttl $ttl, before its $before)",
  async ({ before, ttl }) => {
    const threadId = uuid6(0);
    const parent = await putCheckpoint(
      database.openSaver({ ttl }),
      threadConfig(threadId),
      makeCheckpoint({ list: ["x".repeat(500)] }),
    );
    const begun = makeCheckpoint({ list: ["begun ".repeat(100)] });
    const slow = await openInterrupted(
      database,
      {
        kind: before,
        command: "save",
        action: async () => {
          await database.openSaver().deleteThread(threadId);
          await putCheckpoint(database.openSaver({ ttl }), threadConfig(threadId), begun);
        },
      },
      { ttl },
    );
    const list = ["x".repeat(500), "y".repeat(500)];
    const checkpoint = makeCheckpoint({ list }, { versions: { list: 2 } });
    const config = await putCheckpoint(slow, parent, checkpoint);
    const reader = database.openSaver();
    expect((await reader.getTuple(config))?.checkpoint).toEqual(checkpoint);
    expect((await reader.getTuple(threadConfig(threadId)))?.checkpoint).toEqual(checkpoint);
    const other = threadConfig(threadId, { checkpointId: begun.id });
    expect((await reader.getTuple(other))?.checkpoint).toEqual(begun);
    expect(await reader.verifyThread(threadId)).toMatchObject({ checkpoints: 2, damages: [] });
  },
);

it("a put of an id that an earlier life left behind is stored while that is being removed", async () => {
  const threadId = uuid6(0);
  const checkpoints = database.documents("checkpoint");
  const checkpoint = makeCheckpoint({ a: 1 });
  await putCheckpoint(database.openSaver({ ttl: HOUR }), threadConfig(threadId), checkpoint);
  // A life that has begun, while the server still removes the one before.
  await database
    .documents<{ _id: string }>("thread")
    .updateOne({ _id: threadId }, { $set: { epoch: 1, life: hashLife(threadId, 1) } });
  let saves = 0;
  const slow: MongoDBSaver = await openInterrupted(
    database,
    {
      kind: "checkpoint",
      command: "save",
      // The first save meets what is there, the second one replaces it.
      isDue: () => ++saves === 2,
      action: () => checkpoints.deleteMany({ thread_id: threadId }),
    },
    { ttl: HOUR },
  );
  const config = await putCheckpoint(slow, threadConfig(threadId), checkpoint);
  for (const read of [config, threadConfig(threadId)]) {
    expect((await database.openSaver().getTuple(read))?.checkpoint).toEqual(checkpoint);
  }
});

it("a put of the same id with less content leaves nothing of the earlier content", async () => {
  const config = threadConfig(uuid6(0));
  const checkpoint = makeCheckpoint({ a: 1 });
  const saver = database.openSaver({ enableTimestamps: true });
  const root = await putCheckpoint(saver, config, makeCheckpoint());
  // Metadata that BSON would not give back as it is, and a parent.
  const metadata = makeMetadata({ big: 1n });
  const stored = await putCheckpoint(saver, root, checkpoint, metadata);
  await putCheckpoint(database.openSaver(), config, checkpoint, makeMetadata());
  const tuple = await database.openSaver().getTuple(stored);
  expect(tuple).toMatchObject({ metadata: makeMetadata(), checkpoint });
  expect(tuple?.parentConfig).toBeUndefined();
});

function fill(threadId: string) {
  const saver = database.openSaver({ ttl: HOUR });
  return putCheckpoint(saver, threadConfig(threadId), makeCheckpoint({ list: ["x".repeat(500)] }));
}

async function save(
  saver: MongoDBSaver,
  method: "put" | "putWrites",
  parent: Awaited<ReturnType<typeof fill>>,
): Promise<void> {
  if (method === "putWrites") {
    await saver.putWrites(parent, [["list", ["z".repeat(500)]]], "task");
  } else {
    const list = ["x".repeat(500), "y".repeat(500)];
    await saver.put(parent, makeCheckpoint({ list }, { versions: { list: 2 } }), makeMetadata(), {
      list: 2,
    });
  }
}

/** A saver whose first save has been found to be allowed when something else happens. */
function openSlow(
  before: "segment" | "checkpoint" | "writes",
  action: () => Promise<unknown>,
): Promise<MongoDBSaver> {
  return openInterrupted(database, { kind: before, command: "save", action }, { ttl: HOUR });
}
