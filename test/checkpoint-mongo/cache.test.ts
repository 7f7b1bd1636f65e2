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

it("what is remembered of a checkpoint does not keep what was read along with it in memory", async () => {
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

it("all that is remembered of checkpoints counts", async () => {
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

it("tells how many segments that were asked for were there, and how many had to be read", async () => {
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

it("a saver of another client that is not used takes no room for what it could remember", () => {
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
});

it("what is remembered for a client goes with it", async () => {
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
