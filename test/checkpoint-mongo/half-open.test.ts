import {
  MongoDBCache,
  MongoDBSaver,
  MongoDBStore,
  type MongoDBSaverSettings,
} from "@threadkeep/checkpoint-mongo";
import { requireFeature } from "@threadkeep/local-mongodb/features";
import { MongoClient, type MongoClientOptions } from "mongodb";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { deleteAll, updateAll } from "../../packages/checkpoint-mongo/src/driver/change-many.ts";
import { RetryPolicy } from "../../packages/checkpoint-mongo/src/driver/retry-policy.ts";
import { retrying } from "../../packages/checkpoint-mongo/src/driver/retrying-database.ts";
import { nameCommand, NetworkProxy } from "../network/network-proxy.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

vi.setConfig({ testTimeout: 60_000 });

const database = useDatabase();

/** Long enough for a busy machine to answer in. */
const operationTimeoutMs = 1_500;

async function openClient(options: MongoClientOptions = {}) {
  const network = await NetworkProxy.start(database.uri);
  const client = new MongoClient(network.uri, options);
  onTestFinished(async () => {
    // It would wait for a server to say goodbye to.
    network.reset();
    await client.close();
    await network[Symbol.asyncDispose]();
  });
  return { network, client };
}

async function openSaver(settings: MongoDBSaverSettings = {}, options?: MongoClientOptions) {
  const { network, client } = await openClient(options);
  const saver = new MongoDBSaver({
    client,
    dbName: database.name,
    operationTimeoutMs,
    ...settings,
  });
  await saver.setup();
  return { network, client, saver };
}

describe("a connection that is half-open", () => {
  it.each<[string, MongoClientOptions]>([
    ["no options", {}],
    ["no retries", { retryReads: false, retryWrites: false }],
    ["one connection", { maxPoolSize: 1 }],
    ["a long socket timeout", { socketTimeoutMS: 600_000 }],
  ])(
    "holds up no call longer than the timeout, whatever options the client has: %s",
    async (name, options) => {
      const { network, saver } = await openSaver({}, options);
      const threadId = `half-open ${name}`;
      const config = threadConfig(threadId);
      const first = await putCheckpoint(saver, config, makeCheckpoint({ a: 1 }, { id: "1" }));
      const steps = {
        put: () => putCheckpoint(saver, first, makeCheckpoint({ a: 2 }, { id: "2" })),
        putWrites: () => saver.putWrites(first, [["a", 1]], "task"),
        getTuple: () => saver.getTuple(config),
        list: () => Array.fromAsync(saver.list(config)),
        // It asks for the time, by a command with which the driver passes on no socket timeout: the only
        // connection of a client stays busy then until the driver's monitor gives it up.
        ...(options.maxPoolSize !== 1 && { verifyThread: () => saver.verifyThread(threadId) }),
        deleteThread: () => saver.deleteThread(threadId),
      };
      for (const [step, call] of Object.entries(steps)) {
        network.forget();
        const startedMs = performance.now();
        await call();
        // Each attempt of ours may be two of the driver's, and a pool has few connections here.
        expect([step, performance.now() - startedMs < 4 * operationTimeoutMs + 2_000]).toEqual([
          step,
          true,
        ]);
      }
    },
  );
});

describe("a deletion or an update of many documents", () => {
  // Each command comes for the first time on a connection that hangs then, so it is the one that is waited for.
  it.each<[string, string, (saver: MongoDBSaver, client: MongoClient) => Promise<() => unknown>]>([
    [
      "of a thread's end",
      "delete",
      async (saver) => {
        await putCheckpoint(saver, threadConfig("ended"), makeCheckpoint({ a: 1 }));
        return () => saver.deleteThread("ended");
      },
    ],
    [
      "of a thread's expiry",
      "update",
      async (saver) => {
        await putCheckpoint(saver, threadConfig("kept"), makeCheckpoint({ a: 1 }));
        return () => saver.setRetention("kept", { ttlSeconds: 3_600 });
      },
    ],
    [
      "of a cache's entries",
      "delete",
      async (_saver, client) => {
        const cache = new MongoDBCache({ client, dbName: database.name, operationTimeoutMs });
        await cache.set([{ key: [["cached"], "key"], value: 1 }]);
        return () => cache.clear();
      },
    ],
  ])("takes no longer than the timeout on a half-open connection: %s", async (_, name, prepare) => {
    const { network, client, saver } = await openSaver({ ttl: 600 });
    const call = await prepare(saver, client);
    // One command of this name holds up the call, and the next one too.
    const held = [1, 2].map(() => network.hold(nameCommand(name)));
    const startedMs = performance.now();
    await call();
    expect(performance.now() - startedMs).toBeLessThan(4 * operationTimeoutMs + 2_000);
    await Promise.all(held.map(({ caught }) => caught));
  });

  it("changes all of them, in batches, if one command on all takes too long", async () => {
    const { network, client } = await openClient();
    const all = client.db(database.name).collection<{ _id: number; thread_id: string }>("many");
    const ids = Array.from({ length: 2_500 }, (_, index) => index);
    await all.insertMany(ids.map((_id) => ({ _id, thread_id: "many" })));
    const policy = new RetryPolicy({ deadlineMs: 30_000, operationTimeoutMs });
    const retried = retrying(client.db(database.name), client, policy).collection("many");
    network.hold(nameCommand("update"));
    await updateAll(retried, { thread_id: "many" }, { $set: { seen: true } });
    expect(await all.countDocuments({ seen: true })).toBe(ids.length);
    network.hold(nameCommand("delete"));
    await deleteAll(retried, { thread_id: "many", _id: { $ne: 7 as never } });
    expect(await all.find().toArray()).toEqual([{ _id: 7, thread_id: "many", seen: true }]);
  });
});

describe("a write that was given up and arrives long after it was repeated", () => {
  // A server with retryable writes knows the driver's second attempt by the number of its first. Ours is
  // sent in the same session under a higher number: MongoDB refuses the earlier one then, the
  // development server does not. So here the driver's attempts stand for ours.

  it.each([true, false])(
    "does not undo a later resume value, with or without retryable writes (retryWrites: %s)",
    async (retryWrites) => {
      const { network, saver } = await openSaver({}, { retryWrites });
      const root = threadConfig(`late resume ${retryWrites}`);
      const config = await putCheckpoint(saver, root, makeCheckpoint({ a: 1 }));
      const held = network.hold(nameCommand("update"));
      await saver.putWrites(config, [["__resume__", ["first"]]], "task");
      await saver.putWrites(config, [["__resume__", ["first", "second"]]], "task");
      await held.deliver();
      const tuple = await database.openSaver().getTuple(config);
      expect(tuple?.pendingWrites).toEqual([["task", "__resume__", ["first", "second"]]]);
    },
  );

  it("does not keep a call from replacing a resume value whose clock was ahead, or is damaged", async () => {
    const { saver } = await openSaver();
    const sets = database.documents("writes");
    const config = await putCheckpoint(saver, threadConfig("ahead"), makeCheckpoint({ a: 1 }));
    for (const [index, ahead] of [Date.now() + 60_000, Infinity, -1, "x", null].entries()) {
      await saver.putWrites(config, [["__resume__", [index]]], "task");
      const { matchedCount } = await sets.updateOne(
        { thread_id: "ahead" },
        { $set: { called_at: ahead } },
      );
      expect(matchedCount).toBe(1);
      await saver.putWrites(config, [["__resume__", [index, "later"]]], "task");
      const tuple = await database.openSaver().getTuple(config);
      expect(tuple?.pendingWrites).toEqual([["task", "__resume__", [index, "later"]]]);
    }
  });

  it("does not undo a later value of a store", async (context) => {
    await requireFeature(context, "retryable writes");
    const { network, client } = await openClient();
    const store = new MongoDBStore({ client, dbName: database.name, operationTimeoutMs });
    await store.put(["late"], "key", { value: 0 });
    const held = network.hold(nameCommand("update"));
    await store.put(["late"], "key", { value: 1 });
    await store.put(["late"], "key", { value: 2 });
    await held.deliver();
    expect((await store.get(["late"], "key"))?.value).toEqual({ value: 2 });
  });

  it.each([true, false])(
    "changes nothing in a thread that has continued, with or without retryable writes (retryWrites: %s)",
    async (retryWrites) => {
      const { network, saver } = await openSaver({}, { retryWrites });
      const threadId = `late put ${retryWrites}`;
      let config = threadConfig(threadId);
      const list: string[] = [];
      const put = async (id: string) => {
        list.push(`${id} `.repeat(100));
        const versions = { list: list.length };
        const checkpoint = makeCheckpoint({ list: [...list] }, { id, versions });
        config = await putCheckpoint(saver, config, checkpoint);
        await saver.putWrites(config, [["list", id]], "task");
      };
      await put("1");
      const held = [1, 2].map(() => network.hold(nameCommand("update")));
      await put("2");
      await put("3");
      const before = await database.readAll(threadId);
      for (const request of held) await request.deliver();
      expect(await database.readAll(threadId)).toEqual(before);
      const reader = database.openSaver();
      expect((await reader.verifyThread(threadId)).damages).toEqual([]);
      const tuple = await reader.getTuple(threadConfig(threadId));
      expect(tuple?.checkpoint.channel_values).toEqual({ list });
    },
  );
});

describe("small writes of many threads", () => {
  it("wait no longer than the timeout for one of them that hangs", async () => {
    const { network, saver } = await openSaver();
    const put = (name: string) =>
      putCheckpoint(saver, threadConfig(name), makeCheckpoint({ a: 1 }, { id: "1" }));
    network.hold(nameCommand("update"));
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: 10 }, (_, index) => put(`hangs ${index}`)));
    expect(performance.now() - startedMs).toBeLessThan(2 * operationTimeoutMs + 2_000);
  });
});

describe("a listing whose connections break again and again", () => {
  it.each<[string, (threadId: string) => Parameters<MongoDBSaver["list"]>[0]]>([
    ["in one namespace", (threadId) => threadConfig(threadId)],
    ["across namespaces", (threadId) => ({ configurable: { thread_id: threadId } })],
  ])("%s continues where it was: each checkpoint comes once, in order", async (name, address) => {
    const { network, saver } = await openSaver();
    const threadId = `listed ${name}`;
    const ids = Array.from({ length: 230 }, (_, index) => String(index).padStart(3, "0"));
    let config = threadConfig(threadId);
    for (const id of ids)
      config = await putCheckpoint(saver, config, makeCheckpoint({ a: id }, { id }));
    const listed: string[] = [];
    for await (const { checkpoint } of saver.list(address(threadId))) {
      listed.push(checkpoint.id);
      if (listed.length % 50 === 0) network.reset();
    }
    expect(listed).toEqual(ids.toReversed());
    expect((await saver.verifyThread(threadId)).damages).toEqual([]);
  });
});
