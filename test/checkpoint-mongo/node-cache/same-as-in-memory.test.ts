import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { Command, Send } from "@langchain/langgraph";
import { InMemoryCache, type BaseCache, type CacheFullKey } from "@langchain/langgraph-checkpoint";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { useCacheDatabase } from "./use-cache.ts";

const { openCache } = useCacheDatabase();

/** Not empty, and without a comma: `InMemoryCache` takes `["a,b"]` and `["a","b"]` for the same. */
const part = fc.constantFrom("a", "b", "a.b", "$where", "__proto__x", "x\0y", "\u00e9", '"]["');
const namespace = fc.array(part, { minLength: 1, maxLength: 2 });
const anyKey = fc.constantFrom("", "k", "$gt", "k.l", "\ud800", "\ud801", "_id");
const fullKey = fc.tuple(namespace, anyKey) as fc.Arbitrary<CacheFullKey>;
const anyValue = fc.oneof(fc.jsonValue(), fc.constantFrom(null, "$$NOW", { $literal: 1 }));
// Long enough not to end in mid-test, or over at once.
const ttl = fc.constantFrom(undefined, 3_600, 0, -5, 1e12, Number.POSITIVE_INFINITY);

const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ set: fc.array(fc.record({ key: fullKey, value: anyValue, ttl })) }),
  },
  { weight: 4, arbitrary: fc.record({ get: fc.uniqueArray(fullKey, { selector: String }) }) },
  { weight: 1, arbitrary: fc.record({ clear: fc.array(namespace, { minLength: 1 }) }) },
  { weight: 1, arbitrary: fc.constant({ clear: [] as string[][] }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

async function apply(cache: BaseCache, step: Operation): Promise<unknown> {
  if ("get" in step) return cache.get(step.get);
  if ("clear" in step) return cache.clear(step.clear);
  // Where no ttl is named there is none in the pair either.
  const pairs = step.set.map(({ ttl: seconds, ...pair }) =>
    seconds === undefined ? pair : { ...pair, ttl: seconds },
  );
  return cache.set(pairs);
}

it("any sequence of get, set and clear has the same results as with InMemoryCache", async () => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 12 }), async (steps) => {
      runs += 1;
      const { cache, events } = openCache("same");
      await cache.clear([]);
      const memory = new InMemoryCache();
      for (const step of steps) {
        expect(await apply(cache, step)).toEqual(await apply(memory, step));
      }
      expect(events).toEqual([]);
    }),
    { numRuns: 60 },
  );
  expect(runs).toBe(60);
});

it("results of nodes come back as from InMemoryCache: messages, sends and commands", async () => {
  const writes = [
    ["messages", [new HumanMessage("question"), new AIMessage({ content: "answer", id: "1" })]],
    ["__pregel_tasks", new Send("worker", { item: 1, message: new HumanMessage("x") })],
    ["__return__", new Command({ goto: "next", update: { a: 1 } })],
    ["branch:to:next", null],
    ["none", undefined],
  ];
  const key: CacheFullKey = [["__pregel_ns_writes", "graph", "node"], "key"];
  const { cache } = openCache("writes");
  const memory = new InMemoryCache();
  for (const each of [cache, memory]) await each.set([{ key, value: writes }]);
  const [ours] = await cache.get([key]);
  const [theirs] = await memory.get([key]);
  const values = [ours, theirs].map((hit) => hit!.value as [string, unknown][]);
  // LangGraph tells a send by these two.
  for (const value of values) {
    const [, send] = value[1]!;
    expect(send).toMatchObject({ node: "worker", args: { item: 1 } });
    value.splice(1, 1);
  }
  expect(JSON.stringify(ours)).toBe(JSON.stringify(theirs));
  expect((ours!.value as unknown[][])[0]![1]).toEqual(writes[0]![1]);
  expect((ours!.value as unknown[][])[3]).toEqual(["none", undefined]);
});

it("namespaces that InMemoryCache confuses are kept apart", async () => {
  const { cache } = openCache("apart");
  const namespaces = [["a", "b"], ["a,b"], ["a", "", "b"], ["a,", "b"], [], [""], ['a","b']];
  await cache.set(namespaces.map((each, index) => ({ key: [each, "k"], value: index })));
  await cache.set([{ key: [["a"], 'b"],"k'], value: "other" }]);
  const found = await cache.get(namespaces.map((each) => [each, "k"]));
  expect(found.map((hit) => hit.value)).toEqual(namespaces.map((_, index) => index));
  await cache.clear([["a", "b"], []]);
  const left = await cache.get(namespaces.map((each) => [each, "k"]));
  expect(left.map((hit) => hit.value)).toEqual([1, 2, 3, 5, 6]);
});

it("versions do not see each other's entries, nor clear their namespaces", async () => {
  const key: CacheFullKey = [["node"], "k"];
  const caches = ["", "1", "2"].map((version) => openCache("versions", { version }).cache);
  for (const [index, cache] of caches.entries()) {
    expect(await cache.get([key])).toEqual([]);
    await cache.set([{ key, value: index }]);
  }
  await caches[1]!.clear([["node"]]);
  const found = await Promise.all(caches.map((cache) => cache.get([key])));
  expect(found.map(([hit]) => hit?.value)).toEqual([0, undefined, 2]);
  await caches[1]!.clear([]);
  expect(await caches[2]!.get([key])).toEqual([]);
});

it("a value may be changed after it was set or returned", async () => {
  const { cache } = openCache("changed");
  const value = [["list", [1, 2]]];
  const stored = cache.set([{ key: [["n"], "k"], value }]);
  value[0]![1] = "changed right after the call";
  await stored;
  const [first] = await cache.get([[["n"], "k"]]);
  expect(first?.value).toEqual([["list", [1, 2]]]);
  (first!.value as unknown[]).length = 0;
  const [second] = await cache.get([[["n"], "k"]]);
  expect(second?.value).toEqual([["list", [1, 2]]]);
});
