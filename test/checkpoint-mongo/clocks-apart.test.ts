import type { RunnableConfig } from "@langchain/core/runnables";
import type { MongoDBSaver, MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { afterEach, describe, expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { ServerTime, setOwnClock } from "./server-time.ts";
import { DAY_MS, readExpiry, setExpiry } from "./thread-expiry.ts";
import { COLLECTION, useDatabaseThrough } from "./use-database.ts";

const time = new ServerTime();
const database = await useDatabaseThrough(time.handle);
const HOUR = 3_600;
const HOUR_MS = HOUR * 1_000;
const SETTINGS = { ttl: HOUR };
const LIST = ["x".repeat(500), "y".repeat(500)];

/** With a grace in which the server itself removes nothing that a test has given a past date. */
const openSaver = (settings: MongoDBSaverSettings = {}) =>
  database.openSaver({ ttlGraceSeconds: 86_400, ...settings });

afterEach(() => time.reset());

describe.each([
  ["several TTLs ahead", 5 * HOUR_MS],
  ["several TTLs behind", -5 * HOUR_MS],
])("a process whose clock is %s", (direction, aheadMs) => {
  it.each(["from its start", "since it was set while it ran"])(
    "%s reads, keeps and extends a living thread as any other",
    async (since) => {
      const threadId = `living ${direction} ${since}`;
      const { root, latest } = await fill(openSaver(SETTINGS), threadId);
      const expiry = await readExpiry(database, threadId);
      const saver = openSaver(SETTINGS);
      if (since !== "from its start") await saver.getTuple(root);
      setOwnClock(aheadMs);
      expect((await saver.getTuple(threadConfig(threadId)))?.checkpoint.channel_values).toEqual({
        list: LIST,
      });
      expect(await Array.fromAsync(saver.list(threadConfig(threadId)))).toHaveLength(2);
      await putCheckpoint(saver, latest, makeCheckpoint({ list: [...LIST, "z"] }));
      await saver.putWrites(root, [["list", "w"]], "task");
      // It is the life that it was, and more than the ttl was left.
      expect(await Array.fromAsync(saver.list(threadConfig(threadId)))).toHaveLength(3);
      expect(await readExpiry(database, threadId)).toBe(expiry);
      expect((await saver.verifyThread(threadId)).damages).toEqual([]);
    },
  );

  it("gives a new thread the right date", async () => {
    setOwnClock(aheadMs);
    const threadId = `new ${direction}`;
    await fill(openSaver(SETTINGS), threadId);
    const expiry = await readExpiry(database, threadId);
    expect(Math.abs(expiry! - (time.nowMs + 1.5 * HOUR_MS))).toBeLessThan(10_000);
  });

  it("notices that a thread has expired", async () => {
    const threadId = `expired ${direction}`;
    const { root } = await fill(openSaver(SETTINGS), threadId);
    await setExpiry(database, threadId, new Date(time.nowMs - 1));
    setOwnClock(aheadMs);
    const saver = openSaver(SETTINGS);
    expect(await saver.getTuple(root)).toBeUndefined();
    expect(await Array.fromAsync(saver.list(threadConfig(threadId)))).toEqual([]);
  });

  it("deletes a thread, and its record a day later", async () => {
    const threadId = `deleted ${direction}`;
    await fill(openSaver(SETTINGS), threadId);
    setOwnClock(aheadMs);
    await openSaver(SETTINGS).deleteThread(threadId);
    const [record, ...rest] = await database.readAll(threadId);
    expect(rest).toEqual([]);
    for (const [field, expected] of [
      ["deleted_at", time.nowMs],
      ["expires_at", time.nowMs + DAY_MS],
    ] as const) {
      expect(Math.abs((record![field] as Date).getTime() - expected)).toBeLessThan(10_000);
    }
  });

  it("neither marks an orphan early nor removes one that was just marked", async () => {
    const threadId = `swept ${direction}`;
    const { root } = await fill(openSaver(), threadId);
    await database
      .documents("checkpoint")
      .deleteOne({ thread_id: threadId, checkpoint_id: { $ne: idOf(root) } });
    await database
      .documents("checkpoint")
      .updateOne({ thread_id: threadId }, { $set: { head: true } });
    const apart = openSaver();
    setOwnClock(aheadMs);
    const marked = await apart.sweep({ threadId });
    expect(marked.removed).toBe(0);
    setOwnClock(-aheadMs);
    const sweeps = [await openSaver().sweep({ threadId })];
    setOwnClock(aheadMs);
    sweeps.push(await apart.sweep({ threadId }));
    expect(sweeps.map(({ removed }) => removed)).toEqual([0, 0]);
    time.reset();
    time.passMinutes(61);
    expect(await openSaver().sweep({ threadId })).toEqual({
      condemned: 0,
      removed: marked.condemned,
    });
  });
});

describe("one past date, of a thread that lives,", () => {
  it.each(["checkpoint", "segment", "writes", "thread"])(
    "on a document of the kind %s loses nothing, and is put right when the thread's expiry moves",
    async (kind) => {
      const threadId = `one past ${kind}`;
      const { latest, root } = await fill(openSaver(SETTINGS), threadId);
      await setDate(threadId, kind, new Date(time.nowMs - HOUR_MS));
      const reader = openSaver(SETTINGS);
      const tuple = await reader.getTuple(threadConfig(threadId));
      expect(tuple?.checkpoint.channel_values).toEqual({ list: LIST });
      expect(tuple?.pendingWrites).toHaveLength(1);
      expect(await Array.fromAsync(reader.list(threadConfig(threadId)))).toHaveLength(2);
      const { damages } = await reader.verifyThread(threadId);
      expect([...new Set(damages.map(({ field }) => field))]).toEqual(["expires_at"]);
      // By one who has read nothing yet.
      const writer = openSaver(SETTINGS);
      await putCheckpoint(writer, latest, makeCheckpoint({ list: [...LIST, "z".repeat(500)] }));
      expect(await Array.fromAsync(writer.list(threadConfig(threadId)))).toHaveLength(3);
      expect(await writer.getTuple(root)).toBeDefined();
      time.passMinutes(40);
      await writer.putWrites(root, [["list", "w"]], "later");
      expect((await openSaver().verifyThread(threadId)).damages).toEqual([]);
      expect(await readExpiry(database, threadId)).toBeGreaterThan(time.nowMs + HOUR_MS);
    },
  );

  it("on its record does not stand for its end: only what all documents say does", async () => {
    const threadId = "record and documents";
    const { root } = await fill(openSaver(SETTINGS), threadId);
    await setExpiry(database, threadId, new Date(time.nowMs - 1));
    const saver = openSaver(SETTINGS);
    const config = await putCheckpoint(saver, root, makeCheckpoint({ list: ["new"] }));
    const listed = await Array.fromAsync(saver.list(threadConfig(threadId)));
    expect(listed.map((tuple) => tuple.config)).toEqual([config]);
  });
});

it("a thread that is written to once stays for its ttl, and is gone before the slack is over", async () => {
  const settings = { ttl: HOUR, ttlSlack: 0.2 };
  const threadId = "at least";
  const { root } = await fill(openSaver(settings), threadId);
  for (const minutes of [5, 11, 7]) {
    time.passMinutes(minutes);
    await openSaver(settings).putWrites(root, [["list", "w"]], `after ${minutes}`);
  }
  time.passMinutes(59);
  expect(await openSaver(settings).getTuple(root)).toBeDefined();
  time.passMinutes(14);
  expect(await openSaver(settings).getTuple(root)).toBeUndefined();
});

async function fill(
  saver: MongoDBSaver,
  threadId: string,
): Promise<{ root: RunnableConfig; latest: RunnableConfig }> {
  const first = makeCheckpoint({ list: LIST.slice(0, 1) });
  const root = await putCheckpoint(saver, threadConfig(threadId), first);
  const second = makeCheckpoint({ list: LIST }, { versions: { list: 2 } });
  const latest = await putCheckpoint(saver, root, second);
  await saver.putWrites(latest, [["list", ["w".repeat(500)]]], "first");
  return { root, latest };
}

async function setDate(threadId: string, kind: string, date: Date): Promise<void> {
  const place = kind === "checkpoint" ? { head: true } : {};
  const { modifiedCount } = await database.db
    .collection(COLLECTION)
    .updateOne({ thread_id: threadId, kind, ...place }, { $set: { expires_at: date } });
  expect(modifiedCount).toBe(1);
}

function idOf(config: RunnableConfig): string {
  return config.configurable!["checkpoint_id"] as string;
}
