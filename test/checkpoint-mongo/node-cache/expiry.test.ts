import type { CacheFullKey } from "@langchain/langgraph-checkpoint";
import { requireFeature } from "@threadkeep/local-mongodb/features";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { useCacheDatabase } from "./use-cache.ts";

const { openCache } = useCacheDatabase();
const HOUR = 3_600;

const key = (name: string): CacheFullKey => [["node"], name];

describe("an entry", () => {
  afterEach(() => vi.useRealTimers());

  it("is found until its ttl is over", async () => {
    const { cache } = openCache("over");
    await cache.set([
      { key: key("short"), value: 1, ttl: 1.5 },
      { key: key("long"), value: 2, ttl: HOUR },
      { key: key("ever"), value: 3 },
    ]);
    const keys = ["short", "long", "ever"].map(key);
    expect((await cache.get(keys)).map(({ value }) => value)).toEqual([1, 2, 3]);
    await sleep(1_600);
    expect((await cache.get(keys)).map(({ value }) => value)).toEqual([2, 3]);
  });

  it("is deleted by the server when its ttl is over", async (context) => {
    await requireFeature(context, "a TTL monitor that runs every second");
    const { cache, collection } = openCache("deleted");
    await cache.set([
      { key: key("short"), value: 1, ttl: 0.5 },
      { key: key("long"), value: 2, ttl: HOUR },
      { key: key("ever"), value: 3 },
    ]);
    await expect.poll(() => collection.countDocuments(), { timeout: 20_000 }).toBe(2);
  });

  it("is gone for every reader, even if the server has not deleted it yet", async () => {
    const { cache, collection } = openCache("late");
    await cache.set([{ key: key("a"), value: 1, ttl: HOUR }]);
    // Without the index nobody deletes.
    await collection.dropIndex("expiry");
    await collection.updateMany({}, { $set: { expires_at: new Date(Date.now() - 1) } });
    expect(await cache.get([key("a")])).toEqual([]);
    expect(await collection.countDocuments()).toBe(1);
  });

  it.each([-2 * HOUR, 2 * HOUR])(
    "expires by the server's clock, though this process's is %i seconds off",
    async (seconds) => {
      const { cache, collection } = openCache(`clock${seconds}`);
      const now = Date.now();
      vi.useFakeTimers({ toFake: ["Date"], now: now + seconds * 1_000 });
      await cache.set([{ key: key("a"), value: 1, ttl: HOUR }]);
      expect(await cache.get([key("a")])).toHaveLength(1);
      const [entry] = await collection.find().toArray();
      const expiresAt = (entry!["expires_at"] as Date).getTime();
      expect(Math.abs(expiresAt - now - HOUR * 1_000)).toBeLessThan(60_000);
    },
  );

  it("that is set again has the new ttl, or none", async () => {
    const { cache, collection } = openCache("again");
    for (const ttl of [HOUR, 2 * HOUR, undefined, 60]) {
      await cache.set([{ key: key("a"), value: ttl ?? "none", ...(ttl !== undefined && { ttl }) }]);
      expect((await cache.get([key("a")])).map(({ value }) => value)).toEqual([ttl ?? "none"]);
      const [entry] = await collection.find().toArray();
      const expiresAt = entry!["expires_at"] as Date | undefined;
      const writtenAt = entry!["written_at"] as Date;
      const seconds = expiresAt && (expiresAt.getTime() - writtenAt.getTime()) / 1_000;
      expect(seconds).toBe(ttl);
    }
  });

  it("for which no ttl is named has the cache's own", async () => {
    const { cache, collection } = openCache("own", { ttl: 60 * 86_400 });
    await cache.set([
      { key: key("own"), value: 1 },
      { key: key("named"), value: 1, ttl: 10 },
    ]);
    const entries = await collection.find().toArray();
    const seconds = entries.map(
      ({ expires_at, written_at }) => ((expires_at as Date).getTime() - +written_at) / 1_000,
    );
    expect(seconds.toSorted((a, b) => a - b)).toEqual([10, 60 * 86_400]);
  });
});
