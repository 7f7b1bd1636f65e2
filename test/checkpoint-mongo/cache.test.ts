import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const MEGABYTE = 1_048_576;

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

it("a saver that is not used takes no room for what it could remember", () => {
  const savers = [database.openSaver()];
  const before = measureHeap();
  for (let index = 0; index < 200; index += 1) savers.push(database.openSaver());
  const bytesEach = (measureHeap() - before) / 200;
  expect(savers).toHaveLength(201);
  expect(bytesEach).toBeLessThan(10 * 1_024);
});

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
