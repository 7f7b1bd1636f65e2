import { MongoDBStore } from "@threadkeep/checkpoint-mongo";
import { temporaryDatabase } from "@threadkeep/local-mongodb";
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { readAll, useStores, withoutTimes } from "./use-stores.ts";

const database = useStores();
const ours = database.openStore({ collectionName: "store" });
const official = database.openOfficial();

beforeAll(() => official.start());

const VALUE = {
  text: "ü",
  number: 1.5,
  whole: 7,
  flag: false,
  nothing: null,
  at: new Date(1_700_000_000_000),
  list: [1, "a", { b: [] }],
  nested: { deep: { er: "x" } },
  "dotted.key": 1,
};

describe("what the official store wrote", () => {
  it("can be read, searched, listed, overwritten and deleted", async () => {
    await official.put(["theirs", "1"], "k", VALUE);
    const item = (await ours.get(["theirs", "1"], "k"))!;
    expect(item).toEqual(await official.get(["theirs", "1"], "k"));
    expect(await ours.search(["theirs"], { filter: { whole: 7 } })).toEqual([item]);
    expect(await ours.listNamespaces({ prefix: ["theirs"] })).toEqual([["theirs", "1"]]);
    await ours.put(["theirs", "1"], "k", { mine: true });
    const changed = await official.get(["theirs", "1"], "k");
    expect(changed).toMatchObject({ value: { mine: true }, createdAt: item.createdAt });
    await ours.delete(["theirs", "1"], "k");
    expect(await official.get(["theirs", "1"], "k")).toBeNull();
  });
});

describe("what this store wrote", () => {
  it("can be read, searched, listed, overwritten and deleted by the official one", async () => {
    await ours.put(["ours", "1"], "k", VALUE);
    const item = (await official.get(["ours", "1"], "k"))!;
    expect(withoutTimes(item)).toEqual({ namespace: ["ours", "1"], key: "k", value: VALUE });
    expect(item).toEqual(await ours.get(["ours", "1"], "k"));
    expect(await official.search(["ours"], { filter: { whole: 7 } })).toEqual([item]);
    expect(await official.listNamespaces({ prefix: ["ours"] })).toEqual([["ours", "1"]]);
    await official.put(["ours", "1"], "k", { theirs: true });
    const changed = await ours.get(["ours", "1"], "k");
    expect(changed).toMatchObject({ value: { theirs: true }, createdAt: item.createdAt });
    await official.delete(["ours", "1"], "k");
    expect(await ours.get(["ours", "1"], "k")).toBeNull();
  });

  it("has only the official store's fields if the value is plain", async () => {
    await ours.put(["fields"], "ours", VALUE);
    await official.put(["fields"], "theirs", VALUE);
    const [mine, theirs] = await database
      .collection()
      .find({ namespaceStr: "fields" })
      .sort({ key: 1 })
      .toArray();
    expect(Object.keys(mine!).toSorted()).toEqual(Object.keys(theirs!).toSorted());
    expect(mine!["value"]).toEqual(theirs!["value"]);
  });

  it("comes back as the official store overwrote it, whatever was kept beside the old value", async () => {
    const special = { seen: new Set([1]), at: new Date(5), count: 12n };
    await ours.put(["special"], "k", special);
    expect((await ours.get(["special"], "k"))?.value).toEqual(special);
    await official.put(["special"], "k", { plain: 1 });
    expect((await ours.get(["special"], "k"))?.value).toEqual({ plain: 1 });
    expect((await ours.search(["special"]))[0]?.value).toEqual({ plain: 1 });
    // What the official store read of it, changed and wrote again.
    await ours.put(["special"], "k", special);
    const read = (await official.get(["special"], "k"))!;
    await official.put(["special"], "k", { ...read.value, more: 1 });
    expect((await ours.get(["special"], "k"))?.value).toEqual({
      seen: [1],
      at: new Date(5),
      count: 12,
      more: 1,
    });
  });
});

describe("a label with a slash", () => {
  it("keeps two items apart that have the same string in the official store", async () => {
    await official.put(["x/y"], "k", { theirs: "x/y" });
    await expect(official.put(["x", "y"], "k", {})).rejects.toMatchObject({ code: 11_000 });
    await ours.put(["x", "y"], "k", { ours: "x, y" });
    for (const store of [ours, official]) {
      expect((await store.get(["x/y"], "k"))?.value).toEqual({ theirs: "x/y" });
      expect((await store.get(["x", "y"], "k"))?.value).toEqual({ ours: "x, y" });
    }
    await ours.put(["x/y"], "k", { ours: "x/y" });
    expect((await official.get(["x/y"], "k"))?.value).toEqual({ ours: "x/y" });
    await ours.delete(["x/y"], "k");
    expect(await official.get(["x/y"], "k")).toBeNull();
    expect((await official.get(["x", "y"], "k"))?.value).toEqual({ ours: "x, y" });
  });

  it("is overwritten in place, whoever wrote the item first", async () => {
    await ours.put(["p/q"], "k", { n: 1 });
    await official.put(["p/q"], "k", { n: 2 });
    await ours.put(["p/q"], "k", { n: 3 });
    await official.put(["p/q"], "theirs", { n: 4 });
    await ours.put(["p/q"], "theirs", { n: 5 });
    for (const store of [ours, official]) {
      const values = (await readAll(store, ["p/q"])) as { key: string; value: { n: number } }[];
      expect(values.map(({ key, value }) => `${key}: ${value.n}`).toSorted()).toEqual([
        "k: 3",
        "theirs: 5",
      ]);
    }
  });

  it("is listed beside the namespace that is joined to the same string", async () => {
    await official.put(["l", "m/n"], "1", {});
    await official.put(["l", "m", "n"], "2", {});
    await ours.put(["l/m", "n"], "3", {});
    const all = [
      ["l", "m", "n"],
      ["l", "m/n"],
      ["l/m", "n"],
    ];
    expect(await ours.listNamespaces({ prefix: ["l"] })).toEqual(all.slice(0, 2));
    expect(await ours.listNamespaces({ suffix: ["n"] })).toEqual(
      expect.arrayContaining([all[0], all[2]]),
    );
    expect(await ours.listNamespaces({ prefix: ["l"], maxDepth: 2 })).toEqual([
      ["l", "m"],
      ["l", "m/n"],
    ]);
    expect(await ours.listNamespaces({ suffix: ["m/n"] })).toContainEqual(["l", "m/n"]);
  });
});

it("both stores find the same whatever both of them did", { timeout: 120_000 }, async () => {
  const label = fc.constantFrom("a", "b", "a-b", "é");
  const step = fc.record({
    by: fc.constantFrom("ours" as const, "official" as const),
    namespace: fc.array(label, { minLength: 1, maxLength: 3 }),
    key: fc.constantFrom("1", "2", "3"),
    value: fc.option(fc.record({ n: fc.integer(), s: fc.string() }), { freq: 4 }),
  });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      run += 1;
      const collectionName = `both_${run}`;
      const stores = {
        ours: database.openStore({ collectionName }),
        official: database.openOfficial({ collectionName }),
      };
      for (const { by, namespace, key, value } of steps) {
        await (value === null
          ? stores[by].delete(namespace, key)
          : stores[by].put(namespace, key, value));
      }
      const byPlace = (items: object[]) => items.map((item) => JSON.stringify(item)).toSorted();
      expect(byPlace(await readAll(stores.ours))).toEqual(byPlace(await readAll(stores.official)));
      const byText = (list: string[][]) => list.map((one) => one.join("/")).toSorted();
      expect(byText(await stores.ours.listNamespaces())).toEqual(
        byText(await stores.official.listNamespaces()),
      );
    }),
    { numRuns: 25 },
  );
});

it("a rolling deploy goes through: either store may start first, and both may write at once", async () => {
  for (const first of ["ours", "official"] as const) {
    await using own = temporaryDatabase(database.client);
    const mine = new MongoDBStore({ client: database.client, dbName: own.name });
    const theirs = database.openOfficial({ dbName: own.name });
    for (const store of first === "ours" ? [mine, theirs] : [theirs, mine]) await store.start();
    await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        (index % 2 === 0 ? mine : theirs).put(["deploy", `${index}`], "k", { index }),
      ),
    );
    expect(await readAll(mine, ["deploy"])).toHaveLength(40);
    expect(await readAll(theirs, ["deploy"])).toHaveLength(40);
  }
});
