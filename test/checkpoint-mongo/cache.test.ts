import type { RunnableConfig } from "@langchain/core/runnables";
import { JsonPlusSerializer } from "@langchain/langgraph-checkpoint";
import { MongoDBCache, MongoDBSaver, MongoDBStore } from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { asNewProcess } from "./new-process.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const KILOBYTE = 1_024;
const MEGABYTE = 1_048_576;

/** So many savers, or whatever it is, are made where what one takes is measured. */
const COUNT = 1_000;

/** Fewer of those that each send commands. */
const SERVED = 300;

it("the cached record of a checkpoint does not keep the rest of what was read in memory", async () => {
  const writer = database.openSaver();
  let config = threadConfig("large-replies");
  for (let step = 0; step < 8; step += 1) {
    config = await putCheckpoint(writer, config, makeCheckpoint({ step }));
    await writer.putWrites(config, [["a", randomBytes(3 * MEGABYTE)]], "task");
  }
  const reader = database.openSaver({ cacheMaxBytes: MEGABYTE });
  const before = measureMemory();
  for (let at = await reader.getTuple(config); at !== undefined;) {
    at = at.parentConfig && (await reader.getTuple(at.parentConfig));
  }
  expect(reader.cacheStats.entries).toBeGreaterThanOrEqual(8);
  // The driver lets go of the last replies in its own time.
  await expect.poll(() => measureMemory() - before, { timeout: 10_000 }).toBeLessThan(8 * MEGABYTE);
});

it("all cached parts of checkpoints count", async () => {
  const saver = database.openSaver({ cacheMaxBytes: MEGABYTE });
  for (let index = 0; index < 100; index += 1) {
    // The input lies in the checkpoint itself.
    const checkpoint = makeCheckpoint({ __start__: "x".repeat(30_000) });
    const metadata = makeMetadata({ note: "y".repeat(30_000) });
    await putCheckpoint(saver, threadConfig(`counts-${index}`), checkpoint, metadata);
  }
  expect(saver.cacheStats.entries).toBeLessThanOrEqual(MEGABYTE / 60_000);
  expect(saver.cacheStats.bytes).toBeLessThanOrEqual(MEGABYTE);
});

it("counts how many segments were found in memory, and how many had to be read", async () => {
  const config = threadConfig("counted");
  const text = "x".repeat(10_000);
  await putCheckpoint(database.openSaver(), config, makeCheckpoint({ list: [text] }));
  const reader = database.openSaver({ cacheMaxBytes: MEGABYTE });
  expect(reader.cacheStats).toEqual({
    bytes: 0,
    maxBytes: MEGABYTE,
    entries: 0,
    hits: 0,
    misses: 0,
  });
  await reader.getTuple(config);
  expect(reader.cacheStats).toMatchObject({ hits: 0, misses: 1 });
  expect(reader.cacheStats.bytes).toBeGreaterThan(text.length);
  await reader.getTuple(config);
  await reader.getTuple(config);
  expect(reader.cacheStats).toMatchObject({ hits: 2, misses: 1 });
});

it("an unused saver of another client takes no memory for its cache", () => {
  expect(measureEach(() => database.openSaver())).toBeLessThan(10 * KILOBYTE);
});

it.each<[string, (client: MongoClient) => object]>([
  ["saver", (client) => new MongoDBSaver({ client, dbName: database.name })],
  ["store", (client) => new MongoDBStore({ client, dbName: database.name })],
  ["cache", (client) => new MongoDBCache({ client, dbName: database.name })],
])("a further %s of a client takes 3 KiB at most", (_what, open) => {
  const client = asNewProcess(database.client);
  expect(measureEach(() => open(client))).toBeLessThan(3 * KILOBYTE);
});

it("savers that served a request each take 10 KiB at most, beside what all of them share", async () => {
  const client = asNewProcess(database.client);
  const savers: MongoDBSaver[] = [];
  const serve = async () => {
    const saver = new MongoDBSaver({ client, dbName: database.name });
    await putCheckpoint(saver, threadConfig("served"), makeCheckpoint({ a: 1 }, { id: "1" }));
    await saver.getTuple(threadConfig("served"));
    savers.push(saver);
  };
  for (let index = 0; index < 50; index += 1) await serve();
  const before = measureHeap();
  for (let index = 0; index < SERVED; index += 1) await serve();
  expect((measureHeap() - before) / SERVED).toBeLessThan(10 * KILOBYTE);
  expect(savers).toHaveLength(50 + SERVED);
}, 120_000);

it("the cache of a client is released with it", async () => {
  const clients = new Set<WeakRef<MongoClient>>();
  const use = async () => {
    const client = new MongoClient(database.uri);
    clients.add(new WeakRef(client));
    const settings = { client, dbName: database.name };
    const saver = new MongoDBSaver(settings, new JsonPlusSerializer());
    await putCheckpoint(saver, threadConfig("gone"), makeCheckpoint({ a: "x".repeat(1_000) }));
    await new MongoDBStore(settings).put(["a"], "k", {});
    await new MongoDBCache(settings).get([[["a"], "k"]]);
    await client.close();
  };
  await use();
  await expect
    .poll(
      () => {
        collectGarbage();
        return [...clients].filter((client) => client.deref() !== undefined);
      },
      { timeout: 10_000 },
    )
    .toEqual([]);
});

it.each<[string, (index: number) => Record<string, unknown>]>([
  ["Latin texts", (index) => ({ list: [`${index} é`.repeat(60_000)] })],
  ["texts beyond Latin-1", (index) => ({ list: [`${index} 漢字`.repeat(60_000)] })],
  [
    "texts with one character beyond Latin-1",
    (index) => ({ list: ["x".repeat(300_000), `漢${index}`] }),
  ],
  [
    "many short items",
    (index) => ({ list: Array.from({ length: 4_000 }, (_, item) => `${index} ${item}`) }),
  ],
  ["long texts", (index) => ({ text: `${index} 漢字 `.repeat(60_000) })],
  ["bytes", () => ({ bytes: randomBytes(200_000) })],
  ["many channels", (index) => makeChannels(600, index)],
])(
  "of %s, the cache takes the memory that it says, and no more than it may",
  async (what, make) => {
    const writer = database.openSaverElsewhere({ cacheMaxBytes: 1 });
    const configs: RunnableConfig[] = [];
    for (let index = 0; index < 60; index += 1) {
      const config = threadConfig(`${what} ${index}`);
      configs.push(await putCheckpoint(writer, config, makeCheckpoint(make(index))));
    }
    const maxBytes = 8 * MEGABYTE;
    const reader = database.openSaver({ cacheMaxBytes: maxBytes });
    const read = async (each: readonly RunnableConfig[]) => {
      for (const config of each) await reader.getTuple(config);
    };
    // What the first reads bring about besides: code, connections.
    await read(configs.slice(0, 3));
    const before = measureAll() - reader.cacheStats.bytes;
    await read(configs);
    await read(configs);
    const { bytes } = reader.cacheStats;
    expect(bytes).toBeLessThanOrEqual(maxBytes);
    expect(bytes).toBeGreaterThan(maxBytes / 8);
    await expect
      .poll(() => measureAll() - before, { timeout: 10_000 })
      .toBeLessThan(1.5 * bytes + 2 * MEGABYTE);
  },
  60_000,
);

it("threads and their state count, however many there are", { timeout: 180_000 }, async () => {
  const saver = database.openSaver({ cacheMaxBytes: MEGABYTE });
  const look = async (from: number, count: number) => {
    for (let index = from; index < from + count; index += 1) {
      await saver.getTuple(threadConfig(`${index} `.repeat(100)));
    }
  };
  await look(0, 500);
  expect(saver.cacheStats.bytes).toBeGreaterThan(10_000);
  const before = measureHeap();
  await look(1_000, 1_500);
  expect(measureHeap() - before).toBeLessThan(2 * MEGABYTE);
  expect(saver.cacheStats.bytes).toBeLessThanOrEqual(MEGABYTE / 8);
});

it("content larger than the cache is not kept, and evicts nothing else", async () => {
  const saver = database.openSaver({ cacheMaxBytes: MEGABYTE });
  const small = threadConfig("fits");
  const large = threadConfig("does not fit");
  await putCheckpoint(saver, small, makeCheckpoint({ list: ["x".repeat(100_000)] }));
  await putCheckpoint(saver, large, makeCheckpoint({ list: ["y".repeat(2 * MEGABYTE)] }));
  expect(saver.cacheStats.bytes).toBeLessThanOrEqual(MEGABYTE);
  const { hits } = saver.cacheStats;
  await saver.getTuple(large);
  await saver.getTuple(small);
  expect(saver.cacheStats.hits).toBe(hits + 1);
});

/** Bytes that each of many such things takes. */
function measureEach(make: () => object): number {
  const made = [make()];
  const before = measureHeap();
  for (let index = 0; index < COUNT; index += 1) made.push(make());
  const bytes = measureHeap() - before;
  expect(made).toHaveLength(COUNT + 1);
  return bytes / COUNT;
}

function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let start = 0; start < length; start += 65_536) {
    crypto.getRandomValues(bytes.subarray(start, start + 65_536));
  }
  return bytes;
}

/** Channels that each have a value of their own. */
function makeChannels(count: number, seed: number): Record<string, unknown> {
  const names = Array.from({ length: count }, (_, index) => `channel ${seed} ${index}`);
  return Object.fromEntries(names.map((name) => [name, { name }]));
}

/** Bytes that are in use, in the heap and outside of it. */
function measureAll(): number {
  return measureHeap() + process.memoryUsage().arrayBuffers;
}

/** Bytes outside of the heap that are in use. */
function measureMemory(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

/** Bytes of the heap that are in use. */
function measureHeap(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}
