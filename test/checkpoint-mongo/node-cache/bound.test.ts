import type { CacheFullKey } from "@langchain/langgraph-checkpoint";
import { describe, expect, it } from "vitest";
import { randomText } from "../random-text.ts";
import { useCacheDatabase } from "./use-cache.ts";

const { database, openCache } = useCacheDatabase();
const MAX_BYTES = 400_000;

const key = (index: number): CacheFullKey => [["node"], String(index)];

describe("a cache with a bound", () => {
  it("holds at most that much, and what was written last", async () => {
    const { cache, collection, events } = openCache("full", { maxBytes: MAX_BYTES });
    // Each is more than a sixteenth of the bound, so each set checks it.
    const written = Array.from({ length: 40 }, (_, index) => index);
    for (const index of written) {
      await cache.set([{ key: key(index), value: randomText(40_000, index) }]);
      expect(await sumBytes()).toBeLessThanOrEqual(MAX_BYTES);
    }
    const found = await cache.get(written.map(key));
    const left = found.map((hit) => Number(hit.key[1]));
    expect(left.length).toBeGreaterThan(5);
    expect(left).toEqual(written.slice(-left.length));
    expect(events).toEqual([]);

    async function sumBytes(): Promise<number> {
      const entries = await collection.find().toArray();
      return entries.reduce((sum, entry) => sum + Number(entry["bytes"]), 0);
    }
  });

  it("keeps an old entry that was written again", async () => {
    const { cache } = openCache("anew", { maxBytes: MAX_BYTES });
    for (let index = 0; index < 30; index += 1) {
      await cache.set([{ key: key(index), value: randomText(40_000, index) }]);
      await cache.set([{ key: key(0), value: "kept" }]);
    }
    expect(await cache.get([key(0), key(1)])).toMatchObject([{ key: key(0), value: "kept" }]);
  });

  it("stays near it however many processes write small entries, that each live for one set", async () => {
    const maxBytes = 131_072;
    const { collection } = openCache("many", { maxBytes });
    for (let index = 0; index < 300; index += 1) {
      const { cache } = openCache("many", { maxBytes });
      await cache.set([{ key: key(index), value: randomText(1_500, index) }]);
    }
    const entries = await collection.find().toArray();
    const bytes = entries.reduce((sum, entry) => sum + Number(entry["bytes"]), 0);
    // 300 entries are more than four times the bound. Beyond it by three quarters is exp(-12).
    expect(bytes).toBeLessThan(maxBytes * 1.75);
    expect(bytes).toBeGreaterThan(maxBytes / 2);
  });

  it("evicts with three commands and reads no values", async () => {
    const { cache, collection } = openCache("commands", { maxBytes: 330_000 });
    await cache.set(
      Array.from({ length: 12 }, (_, index) => ({
        key: key(index),
        value: randomText(30_000, index),
      })),
    );
    const commands = await database.recordCommands(() =>
      cache.set([{ key: key(12), value: randomText(60_000, 12) }]),
    );
    expect(commands).toEqual(["update", "aggregate", "find", "delete"]);
    expect(await collection.countDocuments()).toBeLessThan(13);
  });

  it("refuses an entry that alone is above it, and evicts nothing for it", async () => {
    const { cache, events } = openCache("alone", { maxBytes: 65_536 });
    await cache.set([{ key: key(1), value: "small" }]);
    await cache.set([
      { key: key(2), value: randomText(100_000, 1) },
      { key: key(3), value: "beside it" },
    ]);
    expect(events).toMatchObject([{ type: "refused-entry", key: "2" }]);
    const found = await cache.get([1, 2, 3].map(key));
    expect(found.map(({ value }) => value)).toEqual(["small", "beside it"]);
  });
});
