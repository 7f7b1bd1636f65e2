import { MongoClient } from "mongodb";
import { afterAll, beforeAll, expect, inject, it, onTestFinished } from "vitest";
import { InMemoryLatencyStore, type LatencyStore } from "@threadkeep/resilient-llm";
import * as replies from "../testing/replies.ts";
import { createModel, startServer } from "../testing/test-model.ts";

let client: MongoClient;

beforeAll(async () => {
  client = await MongoClient.connect(inject("mongodbUri"));
});

afterAll(() => client.close());

/** As in the doc comment of {@link LatencyStore}. */
function createMongoStore(): LatencyStore {
  const database = client.db(`latencies-${crypto.randomUUID()}`);
  onTestFinished(async () => void (await database.dropDatabase()));
  const latencies = database.collection<{ _id: string; ms: number[] }>("llm_latencies");
  return {
    read: async (key) => (await latencies.findOne({ _id: key }))?.ms ?? [],
    append: async (key, latenciesMs) => {
      const ms = { $each: [...latenciesMs], $slice: -100 };
      await latencies.updateOne({ _id: key }, { $push: { ms } }, { upsert: true });
    },
  };
}

const stores: Record<string, () => LatencyStore> = {
  memory: () => new InMemoryLatencyStore(),
  MongoDB: createMongoStore,
};

it.each(Object.entries(stores))(
  "%s: the last hundred come back in the order they were appended",
  async (_, create) => {
    const store = create();
    expect(await store.read("a")).toEqual([]);
    await store.append("a", [1, 2]);
    await store.append(
      "a",
      Array.from({ length: 100 }, (__, index) => index + 3),
    );
    await store.append("b", [7]);
    expect(await store.read("a")).toEqual(Array.from({ length: 100 }, (__, index) => index + 3));
    expect(await store.read("b")).toEqual([7]);
  },
);

it.each(Object.entries(stores))(
  "%s: what one model has measured limits the calls of another",
  async (_, create) => {
    const store = create();
    const server = await startServer(replies.answer("quick"));
    const timeout = {
      adaptive: true,
      adaptiveFloorMs: 3000,
      totalMs: 1_000_000,
      latencyStore: store,
    };
    // Not watched as a stream, so that the limit for the whole answer decides.
    const fields = { streaming: false };
    const models = [{ model: "first-model", baseURL: server.baseURL, maxOutputTokens: 20, fields }];
    const seasoned = createModel([], { models, timeout }).model;
    for (let call = 0; call < 12; call += 1) await seasoned.invoke("hi");
    // The exchange after the last ones is made by the first call that comes 10 s later.
    const key = `${server.baseURL} first-model total`;
    await expect
      .poll(async () => {
        await seasoned.invoke("hi");
        return (await store.read(key)).length;
      })
      .toBeGreaterThanOrEqual(10);

    const fresh = createModel([], { models, timeout, retry: { maxRetries: 1 } });
    await fresh.model.invoke("reads the store");
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
    server.play(replies.hang, replies.answer("done"));
    expect((await fresh.model.invoke("hi")).text).toBe("done");
    const failed = fresh.events.find((event) => event.type === "attempt-failed");
    expect(failed).toMatchObject({ failure: { kind: "timeout", phase: "total" } });
    expect(failed?.type === "attempt-failed" && failed.durationMs).toBeLessThan(300_000);
  },
);

it("a store that throws or hangs neither fails nor delays a call, and nothing measured is lost", async () => {
  const server = await startServer(replies.answer("done"));
  const kept: number[] = [];
  let works = false;
  const flaky: LatencyStore = {
    async read() {
      if (!works) throw new Error("store is down");
      return kept;
    },
    async append(_, latenciesMs) {
      if (!works) throw new Error("store is down");
      kept.push(...latenciesMs);
    },
  };
  const failing = createModel([server], { timeout: { latencyStore: flaky } });
  for (let call = 0; call < 3; call += 1) {
    expect((await failing.model.invoke("hi")).text).toBe("done");
  }
  expect(failing.events).toContainEqual(
    expect.objectContaining({ type: "latency-store-failed", candidate: "first" }),
  );
  works = true;
  await expect
    .poll(async () => {
      await failing.model.invoke("hi");
      return kept.length;
    })
    .toBeGreaterThanOrEqual(3);

  const never = () => new Promise<never>(() => {});
  const hanging = createModel([server], {
    timeout: { latencyStore: { read: never, append: never } },
  });
  for (let call = 0; call < 3; call += 1) {
    expect((await hanging.model.invoke("hi")).text).toBe("done");
  }
});
