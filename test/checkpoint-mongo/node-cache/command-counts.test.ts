import type { CacheFullKey } from "@langchain/langgraph-checkpoint";
import { describe, expect, it } from "vitest";
import { useCacheDatabase } from "./use-cache.ts";

const { database, openCache } = useCacheDatabase();

const makeKeys = (count: number): CacheFullKey[] =>
  Array.from({ length: count }, (_, index) => [["node", String(index % 7)], `key ${index}`]);

describe.each([1, 2, 101, 1_000])("with %i keys", (count) => {
  const keys = makeKeys(count);

  it("set and get take one command each, whether they find anything or not", async () => {
    const { cache } = openCache(`counts-${count}`);
    await cache.setup();
    expect(await database.recordCommands(() => cache.get(keys))).toEqual(["find"]);
    const pairs = keys.map((key, index) => ({ key, value: [["channel", index]], ttl: 3_600 }));
    expect(await database.recordCommands(() => cache.set(pairs))).toEqual(["update"]);
    expect(await database.recordCommands(() => cache.set(pairs))).toEqual(["update"]);
    const commands = await database.recordCommands(async () => {
      expect(await cache.get(keys)).toHaveLength(count);
    });
    expect(commands).toEqual(["find"]);
  });
});

it("clear takes one command, for many namespaces and for all", async () => {
  const { cache, collection } = openCache("cleared");
  await cache.set(makeKeys(20).map((key) => ({ key, value: 1 })));
  const some = [
    ["node", "1"],
    ["node", "2"],
  ];
  expect(await database.recordCommands(() => cache.clear(some))).toEqual(["delete"]);
  expect(await collection.countDocuments()).toBe(14);
  expect(await database.recordCommands(() => cache.clear())).toEqual(["delete"]);
  expect(await collection.countDocuments()).toBe(0);
});

it("nothing is sent for no keys, and for values that all are refused", async () => {
  const { cache, events } = openCache("nothing");
  await cache.setup();
  const commands = await database.recordCommands(async () => {
    expect(await cache.get([])).toEqual([]);
    await cache.set([]);
    await cache.set([{ key: [["n"], "k"], value: () => 1 }]);
  });
  expect(commands).toEqual([]);
  expect(events).toHaveLength(1);
});

it("the first use makes the indexes, with one command more", async () => {
  const { cache, collection } = openCache("first");
  const key: CacheFullKey = [["n"], "k"];
  expect(await database.recordCommands(() => cache.get([key]))).toEqual(["createIndexes", "find"]);
  expect(await database.recordCommands(() => cache.get([key]))).toEqual(["find"]);
  const indexes = await collection.indexes();
  expect(new Set(indexes.map(({ name }) => name))).toEqual(
    new Set(["_id_", "eviction", "expiry", "namespace"]),
  );
});
