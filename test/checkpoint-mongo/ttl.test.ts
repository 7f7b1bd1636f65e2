import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { requireFeature } from "@threadkeep/local-mongodb/features";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectThrough } from "./connect-through.ts";
import { openInterrupted } from "./interrupted-saver.ts";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { ServerTime } from "./server-time.ts";
import {
  DAY_MS,
  readExpiries,
  readExpiry as readExpiryOf,
  setExpiry as setExpiryOf,
} from "./thread-expiry.ts";
import { COLLECTION, useDatabaseThrough } from "./use-database.ts";

const time = new ServerTime();
const database = await useDatabaseThrough(time.handle);
const HOUR = 3_600;
/** How long a thread stays at most, with the default slack. */
const LONGEST = 1.5 * HOUR;

const openSaver = (settings: MongoDBSaverSettings) => database.openSaver(settings);

/** A list that is stored in segments. */
function makeList(length: number): string[] {
  return Array.from({ length }, (_, index) => `item ${index} `.repeat(40));
}

/** A thread with two namespaces, a fork that shares segments, and pending writes. */
async function fillThread(saver: MongoDBSaver, threadId: string) {
  const root = await putCheckpoint(
    saver,
    threadConfig(threadId),
    makeCheckpoint({ list: makeList(4), files: { a: "x".repeat(600) } }),
  );
  const next = makeCheckpoint({ list: makeList(6) }, { versions: { list: 2 } });
  const trunk = await putCheckpoint(saver, root, next);
  const fork = await putCheckpoint(
    saver,
    root,
    makeCheckpoint({ list: [...makeList(4), "fork".repeat(100)] }, { versions: { list: 2 } }),
  );
  for (const config of [root, trunk, fork]) {
    await saver.putWrites(config, [["list", ["pending".repeat(50)]]], "task");
  }
  const namespace = threadConfig(threadId, { namespace: "sub:1" });
  await putCheckpoint(saver, namespace, makeCheckpoint({ inner: makeList(3) }));
  return { root, trunk, fork, next };
}

async function readExpiry(threadId: string): Promise<number | undefined> {
  // Threads, checkpoints, segments and writes.
  expect((await readExpiries(database, threadId)).length).toBeGreaterThan(8);
  return readExpiryOf(database, threadId);
}

const setExpiry = (threadId: string, expiresAt: Date) => setExpiryOf(database, threadId, expiresAt);

afterEach(() => time.reset());

/** A moment by the server's clock, as near as a test can tell. */
function expectAbout(moment: number | undefined, expected: number): void {
  expect(Math.abs((moment ?? 0) - expected)).toBeLessThan(10_000);
}

function inSeconds(seconds: number): Date {
  return new Date(time.nowMs + seconds * 1_000);
}

describe("with a ttl", () => {
  it.each([
    ["the default slack", undefined, 1.5],
    ["the least slack", 0.1, 1.1],
    ["much slack", 2, 3],
  ])(
    "all documents of a thread expire at the same moment: with %s after the ttl and the slack",
    async (_, ttlSlack, factor) => {
      const threadId = `coherent ${factor}`;
      const start = Date.now();
      await fillThread(openSaver({ ttl: HOUR, ttlSlack }), threadId);
      const expiry = (await readExpiry(threadId))!;
      expect(expiry).toBeGreaterThanOrEqual(start + HOUR * factor * 1_000 - 1_000);
      expect(expiry).toBeLessThanOrEqual(Date.now() + HOUR * factor * 1_000 + 1_000);
      const record = await database
        .documents<{ _id: string; expires_at: Date }>("thread")
        .findOne({ _id: threadId });
      expect(record?.expires_at).toEqual(new Date(expiry + DAY_MS));
    },
  );

  it.each([0, 0.05, -1, 11, Number.NaN, "0.5"])("a slack of %s is refused", (ttlSlack) => {
    expect(() => openSaver({ ttl: HOUR, ttlSlack: ttlSlack as number })).toThrow(/ttlSlack/);
  });

  it("a ttl that no date can hold is refused", () => {
    expect(() => openSaver({ ttl: 1e13 })).toThrow(/ttl/);
  });

  it("an active thread needs no further command while more than the ttl is left", async () => {
    const saver = openSaver({ ttl: HOUR });
    const { trunk } = await fillThread(saver, "active");
    const before = await readExpiry("active");
    let config = trunk;
    for (let step = 0; step < 5; step += 1) {
      const checkpoint = makeCheckpoint(
        { list: makeList(7 + step) },
        { versions: { list: 3 + step } },
      );
      const commands = await database.recordCommands(async () => {
        config = await putCheckpoint(saver, config, checkpoint);
        await saver.putWrites(config, [["list", ["x"]]], "task");
      });
      expect(commands).toEqual(["update", "update"]);
    }
    expect(await readExpiry("active")).toBe(before);
  });

  it.each(["put", "putWrites"])(
    "%s moves the expiry of all documents when no more than the ttl is left",
    async (method) => {
      const threadId = `extended-${method}`;
      const { trunk, root } = await fillThread(openSaver({ ttl: HOUR }), threadId);
      for (const secondsLeft of [HOUR + 60, HOUR - 60]) {
        const old = inSeconds(secondsLeft);
        await setExpiry(threadId, old);
        const saver = openSaver({ ttl: HOUR });
        await (method === "put"
          ? putCheckpoint(saver, root, makeCheckpoint({ list: makeList(8) }))
          : saver.putWrites(trunk, [["list", ["x"]]], `task-${secondsLeft}`));
        const expiry = await readExpiry(threadId);
        const isMoved = secondsLeft < HOUR;
        expect(expiry === old.getTime()).toBe(!isMoved);
        expectAbout(expiry, isMoved ? Date.now() + LONGEST * 1_000 : old.getTime());
      }
    },
  );

  it("a changed ttl takes effect with the next write, and touches no index", async () => {
    const { root } = await fillThread(openSaver({ ttl: HOUR }), "changed");
    const listIndexes = () => database.db.collection(COLLECTION).indexes();
    const indexes = await listIndexes();
    for (const ttl of [HOUR / 10, 10 * HOUR, undefined, HOUR]) {
      const saver = openSaver({ ttl });
      await putCheckpoint(saver, root, makeCheckpoint({ list: makeList(5) }));
      const expiry = await readExpiry("changed");
      expect(expiry === undefined).toBe(ttl === undefined);
      expectAbout(expiry, ttl === undefined ? 0 : Date.now() + ttl * 1_500);
    }
    expect(await listIndexes()).toEqual(indexes);
  });

  it("a saver without a ttl that writes to an expiring thread makes it stay", async () => {
    const { root } = await fillThread(openSaver({ ttl: HOUR }), "stays");
    await openSaver({}).putWrites(root, [["list", ["x"]]], "another");
    expect(await readExpiry("stays")).toBeUndefined();
  });

  it("reading moves the expiry only with ttlRefreshOnRead", async () => {
    const { next } = await fillThread(openSaver({ ttl: HOUR }), "read");
    const old = inSeconds(HOUR / 4);
    await setExpiry("read", old);
    const config = threadConfig("read");
    await openSaver({ ttl: HOUR }).getTuple(config);
    expect(await readExpiry("read")).toBe(old.getTime());
    await openSaver({ ttl: HOUR, ttlRefreshOnRead: true }).getTuple(config);
    expectAbout(await readExpiry("read"), Date.now() + LONGEST * 1_000);
    const trunk = threadConfig("read", { checkpointId: next.id });
    expect((await openSaver({}).getTuple(trunk))?.checkpoint).toEqual(next);
  });

  it("if a process dies while it moves the expiry, the next writer finishes it", async () => {
    const { root } = await fillThread(openSaver({ ttl: HOUR }), "half-moved");
    const old = inSeconds(HOUR / 4);
    await setExpiry("half-moved", old);
    const moved = inSeconds(LONGEST);
    await database
      .documents<{ _id: string }>("thread")
      .updateOne(
        { _id: "half-moved" },
        { $set: { expires_at: new Date(moved.getTime() + DAY_MS), extending: old } },
      );
    await openSaver({ ttl: HOUR }).putWrites(root, [["list", ["x"]]], "another");
    expect(await readExpiry("half-moved")).toBe(moved.getTime());
    const record = await database
      .documents<{ _id: string }>("thread")
      .findOne({ _id: "half-moved" });
    expect(record).not.toHaveProperty("extending");
  });

  it("two processes that move the expiry at once leave all documents with the same", async () => {
    for (const round of [1, 2, 3]) {
      const threadId = `both-move-${round}`;
      const { root } = await fillThread(openSaver({ ttl: HOUR }), threadId);
      await setExpiry(threadId, inSeconds(HOUR / 4));
      const savers = [openSaver({ ttl: HOUR }), database.openSaverElsewhere({ ttl: HOUR })];
      await Promise.all(
        savers.flatMap((saver, index) => [
          putCheckpoint(saver, root, makeCheckpoint({ list: makeList(5 + index) })),
          saver.putWrites(root, [["list", ["x"]]], `task-${index}`),
        ]),
      );
      expectAbout(await readExpiry(threadId), Date.now() + LONGEST * 1_000);
    }
  });
});

describe("with a ttl, after the thread's expiry was moved by another process", () => {
  it("a fork from a checkpoint that this one remembers is a child of it", async () => {
    const warm = openSaver({ ttl: HOUR });
    const { root } = await fillThread(warm, "fork-moved");
    time.passMinutes(40);
    await database.openSaverElsewhere({ ttl: HOUR }).putWrites(root, [["list", ["x"]]], "other");
    // Past the expiry that this process knows of.
    time.passMinutes(60);
    const fork = makeCheckpoint({ list: [...makeList(4), "late ".repeat(100)] });
    await putCheckpoint(warm, root, fork);
    const checkpoints = database.documents("checkpoint");
    const parent = await checkpoints.findOne({ thread_id: "fork-moved", seq: 1 });
    expect(await checkpoints.findOne({ checkpoint_id: fork.id })).toMatchObject({
      parent_hash: parent!["hash"] as unknown,
      expires_at: parent!["expires_at"] as unknown,
    });
    expect((await warm.verifyThread("fork-moved")).damages).toEqual([]);
  });

  it("a slow process that moves it too does not move it back", async () => {
    const { root } = await fillThread(openSaver({ ttl: HOUR }), "slow-move");
    time.passMinutes(40);
    const slow = await openInterrupted(
      database,
      {
        kind: "segment",
        command: "updateMany",
        action: async () => {
          time.passMinutes(40);
          const other = database.openSaverElsewhere({ ttl: HOUR });
          await other.putWrites(root, [["list", ["x"]]], "other");
        },
      },
      { ttl: HOUR },
    );
    await slow.putWrites(root, [["list", ["x"]]], "slow");
    expectAbout(await readExpiry("slow-move"), time.nowMs + LONGEST * 1_000);
  });

  it("documents that a dead process left with an earlier expiry are moved by the next writer", async () => {
    const { trunk } = await fillThread(openSaver({ ttl: HOUR }), "left-early");
    const expiry = await readExpiry("left-early");
    // As if it had stored the checkpoint and its segments after another one had moved the rest.
    for (const [kind, which] of [
      ["checkpoint", { checkpoint_id: trunk.configurable!["checkpoint_id"] as string }],
      ["segment", {}],
    ] as const) {
      await database
        .documents(kind)
        .updateMany({ thread_id: "left-early", ...which }, { $set: { expires_at: inSeconds(60) } });
    }
    const next = openSaver({ ttl: HOUR });
    expect(await next.getTuple(trunk)).toBeDefined();
    await putCheckpoint(next, trunk, makeCheckpoint({ list: makeList(7) }));
    expect(await readExpiry("left-early")).toBe(expiry);
  });
});

describe("an expired thread", () => {
  it("is gone for every reader, even if the server has not deleted it yet", async () => {
    const { trunk } = await fillThread(openSaver({ ttl: HOUR }), "expired");
    const warm = openSaver({ ttl: HOUR });
    expect(await warm.getTuple(trunk)).toBeDefined();
    await setExpiry("expired", inSeconds(-1));
    for (const reader of [warm, openSaver({}), database.openSaverElsewhere()]) {
      expect(await reader.getTuple(threadConfig("expired"))).toBeUndefined();
      expect(await reader.getTuple(trunk)).toBeUndefined();
      const all = { configurable: { thread_id: "expired" } };
      expect(await Array.fromAsync(reader.list(all))).toEqual([]);
      expect(await reader.getDeltaChannelHistory({ config: trunk, channels: ["list"] })).toEqual({
        list: { writes: [] },
      });
    }
    expect((await database.readAll("expired")).length).toBeGreaterThan(8);
  });

  it("that is written to starts again, whole, and without its earlier content", async () => {
    const warm = openSaver({ ttl: HOUR });
    const { trunk, next } = await fillThread(warm, "anew");
    for (const [saver, label] of [
      [warm, "warm"],
      [database.openSaverElsewhere({ ttl: HOUR }), "cold"],
    ] as const) {
      await setExpiry("anew", inSeconds(-1));
      const checkpoint = { ...makeCheckpoint(next.channel_values), channel_versions: { list: 2 } };
      // A run that continues names just what it changed.
      await saver.put(trunk, checkpoint, makeMetadata({ label }), {});
      for (const reader of [saver, database.openSaverElsewhere()]) {
        const listed = await Array.fromAsync(reader.list(threadConfig("anew")));
        expect(listed.map((tuple) => tuple.checkpoint)).toEqual([checkpoint]);
        expect(listed[0]?.pendingWrites).toEqual([]);
      }
      expectAbout(await readExpiryOf(database, "anew"), Date.now() + LONGEST * 1_000);
    }
  });

  it("starts again even if removing it takes longer than its ttl", async () => {
    const { next } = await fillThread(openSaver({ ttl: HOUR }), "slow to go");
    await setExpiry("slow to go", inSeconds(-1));
    const ttl = 1;
    const client = await connectThrough(database.uri, async (command, send) => {
      if ("delete" in command) await sleep(1_500 * ttl);
      return send(command);
    });
    const saver = new MongoDBSaver({ client, dbName: database.name, ttl });
    const checkpoint = makeCheckpoint(next.channel_values, { versions: { list: 3 } });
    await putCheckpoint(saver, threadConfig("slow to go"), checkpoint);
    const expiry = await readExpiryOf(database, "slow to go");
    expect(expiry).toBeGreaterThan(time.nowMs);
  });

  it("whose record alone was deleted by the server keeps no document that still expires", async () => {
    const { trunk, next } = await fillThread(openSaver({ ttl: HOUR }), "half-swept");
    await setExpiry("half-swept", inSeconds(-1));
    await database.documents<{ _id: string }>("thread").deleteOne({ _id: "half-swept" });
    const saver = openSaver({ ttl: HOUR });
    const checkpoint = makeCheckpoint(next.channel_values, { versions: { list: 3 } });
    const config = await putCheckpoint(saver, trunk, checkpoint);
    // Now the server deletes what had expired.
    await database.db
      .collection(COLLECTION)
      .deleteMany({ thread_id: "half-swept", expires_at: { $lt: new Date() } });
    for (const reader of [saver, database.openSaverElsewhere()]) {
      expect((await reader.getTuple(config))?.checkpoint).toEqual(checkpoint);
      expect((await reader.getTuple(threadConfig("half-swept")))?.checkpoint).toEqual(checkpoint);
      expect(await Array.fromAsync(reader.list(threadConfig("half-swept")))).toHaveLength(1);
    }
  });
});

describe("a process that still knows an older expiry", () => {
  it("follows another process that has moved it, and leaves the thread consistent", async () => {
    const warm = openSaver({ ttl: HOUR });
    const { root } = await fillThread(warm, "moved-elsewhere");
    time.passMinutes(31);
    await database.openSaverElsewhere({ ttl: HOUR }).putWrites(root, [["list", ["x"]]], "other");
    const moved = await readExpiry("moved-elsewhere");
    expectAbout(moved, time.nowMs + LONGEST * 1_000);
    time.passMinutes(1);
    await warm.putWrites(root, [["list", ["y"]]], "warm");
    expect(await readExpiry("moved-elsewhere")).toBe(moved);
  });

  it("does not bring back a thread that was deleted meanwhile", async () => {
    const warm = openSaver({ ttl: HOUR });
    const { root } = await fillThread(warm, "deleted-elsewhere");
    time.passMinutes(31);
    await database.openSaverElsewhere().deleteThread("deleted-elsewhere");
    const checkpoint = makeCheckpoint({ list: makeList(5) });
    await putCheckpoint(warm, root, checkpoint);
    const listed = await Array.fromAsync(warm.list(threadConfig("deleted-elsewhere")));
    expect(listed.map((tuple) => tuple.checkpoint)).toEqual([checkpoint]);
    expectAbout(await readExpiryOf(database, "deleted-elsewhere"), time.nowMs + LONGEST * 1_000);
  });
});

describe.concurrent("while the server deletes expired threads", () => {
  beforeEach((context) => requireFeature(context, "a TTL monitor that runs every second"));

  it.each([0, 1])(
    "readers get a thread whole or not at all, with %i s of grace, and then it is gone",
    async (ttlGraceSeconds) => {
      // How long the server keeps expired documents is one setting for all savers of a database.
      await using own = temporaryDatabase(database.client);
      const db = database.client.db(own.name);
      const settings = { ttl: 2, ttlGraceSeconds, dbName: own.name };
      const writer = database.openSaver(settings);
      const threads = Array.from({ length: 6 }, (_, index) => `thread-${index}`);
      const readers = [writer, database.openSaver(settings), database.openSaverElsewhere(settings)];
      const whole = await Promise.all(
        threads.map(async (threadId) => {
          await fillThread(writer, threadId);
          return writer.getTuple(threadConfig(threadId));
        }),
      );
      const gone = new AbortController();
      const seen = { whole: 0, nothing: 0 };
      const isAnythingLeft = async () =>
        // The records of the threads stay for a day.
        (await db.collection(COLLECTION).countDocuments({ kind: { $ne: "thread" } })) > 0;
      const readUntilGone = async (reader: MongoDBSaver) => {
        while (!gone.signal.aborted) {
          for (const [index, threadId] of threads.entries()) {
            const tuple = await reader.getTuple(threadConfig(threadId));
            if (tuple === undefined) seen.nothing += 1;
            else seen.whole += 1;
            expect([whole[index], undefined]).toContainEqual(tuple);
            const listed = await Array.fromAsync(reader.list(threadConfig(threadId)));
            // Without grace the server may delete a page between the commands that read it.
            expect(ttlGraceSeconds === 0 ? [0, 1, 2, 3] : [0, 3]).toContain(listed.length);
          }
        }
      };
      const watch = async () => {
        while (await isAnythingLeft()) await sleep(50);
        gone.abort();
      };
      await Promise.all([watch(), ...readers.map(readUntilGone)]);
      expect(seen.whole).toBeGreaterThan(0);
      expect(seen.nothing).toBeGreaterThan(0);
      expect(await isAnythingLeft()).toBe(false);
    },
  );
});
