import type { Operation } from "@langchain/langgraph-checkpoint";
import {
  InvalidAddressError,
  InvalidOptionsError,
  UnserializableStateError,
} from "@threadkeep/checkpoint-mongo";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { readAll, useStores, withoutTimes } from "./use-stores.ts";

const database = useStores();

describe("an item", () => {
  const store = database.openStore();

  it("is got by namespace and key with the times it was made and changed", async () => {
    const before = new Date(Date.now() - 2_000);
    await store.put(["users", "1"], "profile", { name: "Ada" });
    const first = (await store.get(["users", "1"], "profile"))!;
    expect(first).toEqual({
      namespace: ["users", "1"],
      key: "profile",
      value: { name: "Ada" },
      createdAt: first.updatedAt,
      updatedAt: first.createdAt,
    });
    expect(first.createdAt.getTime()).toBeGreaterThan(before.getTime());
    await sleep(5);
    await store.put(["users", "1"], "profile", { name: "Ada Lovelace" });
    const second = (await store.get(["users", "1"], "profile"))!;
    expect(second.value).toEqual({ name: "Ada Lovelace" });
    expect(second.createdAt).toEqual(first.createdAt);
    expect(second.updatedAt.getTime()).toBeGreaterThan(first.updatedAt.getTime());
  });

  it("is replaced as a whole: fields of the old value are gone", async () => {
    await store.put(["replaced"], "k", { a: 1, nested: { b: 2, c: 3 } });
    await store.put(["replaced"], "k", { nested: { b: 4 } });
    expect((await store.get(["replaced"], "k"))?.value).toEqual({ nested: { b: 4 } });
  });

  it("is gone when it was deleted, also by a put of null, and deleting it again does nothing", async () => {
    await store.put(["gone"], "1", { a: 1 });
    await store.put(["gone"], "2", { a: 1 });
    await store.delete(["gone"], "1");
    await store.batch([{ namespace: ["gone"], key: "2", value: null }]);
    await store.delete(["gone"], "1");
    expect(await store.get(["gone"], "1")).toBeNull();
    expect(await readAll(store, ["gone"])).toEqual([]);
  });

  it("of another namespace or key is another item", async () => {
    const addresses = [
      [["a", "b"], "k"],
      [["a/b"], "k"],
      [["a", "b", "c"], "k"],
      [["a/b", "c"], "k"],
      [["a", "b/c"], "k"],
      [["a/b/c"], "k"],
      [["ab"], "k"],
      [["a"], "b/k"],
      [["a", "b"], "K"],
      [["a", "b"], "k "],
    ] as const;
    for (const [index, [namespace, key]] of addresses.entries()) {
      await store.put([...namespace], key, { index });
    }
    const found = await store.batch(
      addresses.map(([namespace, key]) => ({ namespace: [...namespace], key })),
    );
    expect(found.map((item) => item?.value)).toEqual(addresses.map((_, index) => ({ index })));
    await store.delete(["a/b"], "k");
    expect(await store.get(["a", "b"], "k")).not.toBeNull();
    expect(await store.get(["a/b"], "k")).toBeNull();
  });

  it("is stored as it was when put was called", async () => {
    const value = { list: [1], nested: { a: 1 } };
    const namespace = ["snapshot"];
    const put = store.put(namespace, "k", value);
    value.list.push(2);
    value.nested.a = 2;
    namespace[0] = "elsewhere";
    await put;
    expect((await store.get(["snapshot"], "k"))?.value).toEqual({ list: [1], nested: { a: 1 } });
  });

  it("is fresh each time: what a caller changes in it comes back to nobody", async () => {
    await store.put(["fresh"], "k", { list: [1], map: new Map([["a", 1]]) });
    const item = (await store.get(["fresh"], "k"))!;
    (item.value as { list: number[] }).list.push(2);
    item.namespace.push("x");
    expect(withoutTimes((await store.get(["fresh"], "k"))!)).toEqual({
      namespace: ["fresh"],
      key: "k",
      value: { list: [1], map: new Map([["a", 1]]) },
    });
  });

  it("that many write at once is one item afterwards", async () => {
    await Promise.all(
      Array.from({ length: 12 }, (_, index) => store.put(["race"], "k", { index })),
    );
    const items = await readAll(store, ["race"]);
    expect(items).toHaveLength(1);
  });
});

describe("a batch", () => {
  const store = database.openStore();
  const put = (key: string, a: number | null): Operation => ({
    namespace: ["batch"],
    key,
    value: a === null ? null : { a },
  });
  const get = (key: string): Operation => ({ namespace: ["batch"], key });

  it("gives each operation its result, at its place", async () => {
    await store.put(["places"], "1", { a: 1 });
    const results: unknown[] = await store.batch([
      { namespacePrefix: ["places"] },
      { namespace: ["places"], key: "2", value: { a: 2 } },
      { namespace: ["places"], key: "none" },
      { matchConditions: [{ matchType: "prefix", path: ["places"] }], limit: 10, offset: 0 },
    ]);
    expect(results).toMatchObject([[{ key: "1" }], undefined, null, [["places"]]]);
    expect(await store.batch([])).toEqual([]);
  });

  it("does what its operations would do one after the other", async () => {
    const operations: Operation[] = [
      get("x"),
      put("x", 1),
      get("x"),
      put("x", 2),
      put("x", 3),
      get("x"),
      { namespacePrefix: ["batch"] },
      put("x", null),
      get("x"),
      put("y", 4),
    ];
    const results: unknown[] = await store.batch(operations);
    const values = [0, 2, 5, 8].map(
      (place) => (results[place] as { value: unknown } | null)?.value,
    );
    expect(values).toEqual([undefined, { a: 1 }, { a: 3 }, undefined]);
    expect(results[6]).toMatchObject([{ key: "x", value: { a: 3 } }]);
    expect(await readAll(store, ["batch"])).toMatchObject([{ key: "y", value: { a: 4 } }]);
  });

  it("of gets is one command, of puts one, and of both two", async () => {
    await store.start();
    const keys = Array.from({ length: 30 }, (_, index) => `k${index}`);
    const elsewhere = keys.map((key): Operation => ({ namespace: ["other", key], key }));
    const gets = keys.map(get);
    const puts = [...keys.map((key) => put(key, 1)), put("k1", null), put("k2", 5)];
    const record = (operations: Operation[]) =>
      database.recordCommands(() => store.batch(operations));
    expect(await record([...gets, ...elsewhere])).toEqual(["aggregate"]);
    expect(new Set(await record(puts))).toEqual(new Set(["update", "delete"]));
    expect(await record(puts.slice(0, 30))).toEqual(["update"]);
    expect(await record([...gets, ...puts.slice(0, 30)])).toEqual(["aggregate", "update"]);
    expect(await record([put("new", 1), get("old"), put("newer", 1), get("older")])).toEqual([
      "aggregate",
      "update",
    ]);
  });

  it("with one operation that cannot be done stores nothing of the others", async () => {
    const bad: unknown[] = [
      { namespace: ["batch"], key: "", value: {} },
      { namespace: [], key: "k", value: {} },
      { namespace: ["batch"], key: "k", value: { f: () => {} } },
      { namespacePrefix: ["batch"], filter: { a: { $where: "1" } } },
    ];
    for (const operation of bad) {
      const commands = await database.recordCommands(async () => {
        await expect(store.batch([put("half", 1), operation as Operation])).rejects.toThrow(
          /^Invalid|^Namespace|^Cannot store/,
        );
      });
      expect(commands).toEqual([]);
    }
    expect(await store.get(["batch"], "half")).toBeNull();
  });
});

describe("a search", () => {
  const store = database.openStore();

  beforeAll(async () => {
    await store.batch(
      Array.from({ length: 25 }, (_, index) => ({
        namespace: ["docs", index % 2 === 0 ? "even" : "odd"],
        key: `doc${String(index).padStart(2, "0")}`,
        value: { index, kind: index % 3 === 0 ? "fizz" : "other" },
      })),
    );
    for (const namespace of [["docs"], ["docs-old"], ["docsx"], ["doc"], ["docs/even"], ["x"]]) {
      await store.put(namespace, "one", { namespace: namespace.join() });
    }
  });

  it("finds what begins with the prefix, label by label", async () => {
    const count = async (prefix: string[]) => (await readAll(store, prefix)).length;
    expect(await count(["docs"])).toBe(26);
    expect(await count(["docs", "even"])).toBe(13);
    expect(await count(["docs/even"])).toBe(1);
    expect(await count(["doc"])).toBe(1);
    expect(await count(["docs", "ev"])).toBe(0);
    expect(await count([])).toBe(31);
  });

  it("gives 10 items if nothing is said", async () => {
    expect(await store.search(["docs"])).toHaveLength(10);
  });

  it("gives pages that make up the whole, in the order of namespace and key", async () => {
    const whole = await readAll(store, ["docs"]);
    const pages: object[] = [];
    for (let offset = 0; offset < 30; offset += 7) {
      const page = await store.search(["docs"], { limit: 7, offset });
      pages.push(...page.map(withoutTimes));
    }
    expect(pages).toEqual(whole);
    const places = whole.map((item) => {
      const { namespace, key } = item as { namespace: string[]; key: string };
      return `${namespace.join("/")}\0${key}`;
    });
    expect(places).toEqual(places.toSorted());
  });

  it("fills its limit with what fulfils the filter", async () => {
    const found = await store.search(["docs"], { filter: { kind: "fizz" }, limit: 9 });
    expect(found).toHaveLength(9);
    expect(found.every(({ value }) => value["kind"] === "fizz")).toBe(true);
    expect(await store.search(["docs"], { filter: { kind: "fizz" }, limit: 0 })).toEqual([]);
  });
});

describe("bad arguments", () => {
  const store = database.openStore();

  const refuse = async (operation: unknown): Promise<Error> => {
    let thrown: unknown;
    const commands = await database.recordCommands(async () => {
      await store.batch([operation as Operation]).catch((error: unknown) => {
        thrown = error;
      });
    });
    expect(commands).toEqual([]);
    return thrown as Error;
  };

  it.each([
    ["no array", "users"],
    ["nothing", undefined],
    ["an empty label", ["a", ""]],
    ["a label with a period", ["a.b"]],
    ["a label with a NUL byte", ["a\0b"]],
    ["a label with half a character", ["a\ud83d"]],
    ["an operator for a label", ["a", { $ne: "" }]],
    ["a number for a label", ["a", 7]],
    ["null for a label", [null]],
  ])("a namespace that is or has %s is refused before any command", async (_what, namespace) => {
    const value = { a: 1 };
    for (const operation of [
      { namespace, key: "k" },
      { namespace, key: "k", value },
      { namespace, key: "k", value: null },
      { namespacePrefix: namespace },
      { matchConditions: [{ matchType: "prefix", path: namespace }], limit: 1, offset: 0 },
    ]) {
      expect(await refuse(operation)).toMatchObject({ name: "InvalidNamespaceError" });
    }
  });

  it("an empty namespace holds nothing and takes nothing", async () => {
    expect(await store.batch([{ namespace: [], key: "k" }])).toEqual([null]);
    expect(await refuse({ namespace: [], key: "k", value: {} })).toMatchObject({
      name: "InvalidNamespaceError",
      message: "Namespace cannot be empty.",
    });
  });

  it("the root label of LangGraph is refused by put, with a TTL too", async () => {
    const error = { name: "InvalidNamespaceError" };
    await expect(store.put(["langgraph", "x"], "k", {})).rejects.toMatchObject(error);
    await expect(
      store.put(["langgraph", "x"], "k", {}, undefined, { ttl: 5 }),
    ).rejects.toMatchObject(error);
  });

  it.each([
    ["", "an empty string"],
    [7, "a number"],
    [{ $gt: "" }, "the query operator $gt"],
    ["\udc00", "string"],
  ])("the key %j is refused before any command", async (key, description) => {
    for (const operation of [
      { namespace: ["a"], key },
      { namespace: ["a"], key, value: {} },
    ]) {
      const error = await refuse(operation);
      expect(InvalidAddressError.isInstance(error)).toBe(true);
      expect(error.message).toContain(description);
    }
  });

  it.each([
    [{ namespace: ["a"], key: "k", value: undefined }, "value of put"],
    [{ namespace: ["a"], key: "k", value: {}, index: "title" }, "index of put"],
    [{ namespace: ["a"], key: "k", value: {}, index: [7] }, "index of put"],
    [{ namespace: ["a"], key: "k", value: {}, ttl: 0 }, "ttl of put"],
    [{ namespace: ["a"], key: "k", value: {}, ttl: Number.NaN }, "ttl of put"],
    [{ namespacePrefix: [], limit: -1 }, "limit of search"],
    [{ namespacePrefix: [], limit: 1.5 }, "limit of search"],
    [{ namespacePrefix: [], offset: "1" }, "offset of search"],
    [{ namespacePrefix: [], offset: Infinity }, "offset of search"],
    [{ namespacePrefix: [], query: { $gt: "" } }, "query of search"],
    [{ matchConditions: "x" }, "matchConditions of listNamespaces"],
    [{ matchConditions: [{ matchType: "infix", path: ["a"] }] }, "matchType of listNamespaces"],
    [{ maxDepth: 0 }, "maxDepth of listNamespaces"],
    [{ limit: Number.NaN }, "limit of listNamespaces"],
    [null, "operation of batch"],
  ])("%j is refused before any command, naming it", async (operation, name) => {
    const error = await refuse(operation);
    expect(InvalidOptionsError.isInstance(error)).toBe(true);
    expect(error.message).toContain(`Invalid ${name}`);
  });

  it("a value with no stored form is refused with its path before any command", async () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    for (const [value, path] of [
      [{ a: [{ f: () => {} }] }, "value.a[0].f"],
      [{ s: Symbol("s") }, "value.s"],
      [cycle, "value.self"],
      [{ p: Promise.resolve() }, "value.p"],
    ] as const) {
      const error = await refuse({ namespace: ["a"], key: "k", value });
      expect(UnserializableStateError.isInstance(error)).toBe(true);
      expect(error).toMatchObject({ path });
    }
  });
});
