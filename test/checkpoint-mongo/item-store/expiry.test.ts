import { InvalidOptionsError, MongoDBStore } from "@threadkeep/checkpoint-mongo";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { readAll, useStores } from "./use-stores.ts";

const database = useStores();
const LONG = 3_600;

async function readExpiry(collection: string, key: string): Promise<number | undefined> {
  const document = await database.collection(collection).findOne({ key });
  return (document?.["expiresAt"] as Date | undefined)?.getTime();
}

describe("an item with a TTL", () => {
  it("is not returned once it has expired, whether the server has removed it or not", async () => {
    const store = database.openStore({
      collectionName: "short",
      ttl: { defaultTtl: 0.05, refreshOnRead: false },
    });
    await store.put(["t"], "short", { a: 1 });
    await store.put(["t"], "long", { a: 2 }, undefined, { ttl: LONG });
    expect(await readExpiry("short", "short")).toBeDefined();
    await sleep(80);
    expect(await store.get(["t"], "short")).toBeNull();
    expect(await store.get(["t"], "long")).toMatchObject({ value: { a: 2 } });
    expect(await readAll(store)).toMatchObject([{ key: "long" }]);
    const results = await store.batch([
      { namespace: ["t"], key: "short" },
      { namespace: ["t"], key: "long" },
    ]);
    expect(results).toMatchObject([null, { key: "long" }]);
  });

  it("is a new item when it is put after it has expired", async () => {
    const store = database.openStore({ collectionName: "anew" });
    await store.put(["t"], "k", { a: 1 }, undefined, { ttl: 0.01 });
    const { createdAt } = (await database.collection("anew").findOne({ key: "k" }))!;
    await sleep(40);
    await store.put(["t"], "k", { a: 2 });
    const item = (await store.get(["t"], "k"))!;
    expect(item.createdAt.getTime()).toBeGreaterThan((createdAt as Date).getTime());
    expect(item.createdAt).toEqual(item.updatedAt);
    expect(await readExpiry("anew", "k")).toBeUndefined();
  });

  it("has the store's, its own, or none", async () => {
    const store = database.openStore({
      collectionName: "own",
      ttl: { defaultTtl: LONG, refreshOnRead: false },
    });
    await store.put(["t"], "default", {});
    await store.put(["t"], "own", {}, undefined, { ttl: 2 * LONG });
    await store.batch([{ namespace: ["t"], key: "batch", value: {}, ttl: 3 * LONG } as never]);
    await store.put(["t"], "none", {}, undefined, { ttl: null });
    const now = Date.now();
    const left = async (key: string) =>
      Math.round((((await readExpiry("own", key)) ?? Number.NaN) - now) / (LONG * 1_000));
    expect(await Promise.all(["default", "own", "batch", "none"].map(left))).toEqual([
      1,
      2,
      3,
      Number.NaN,
    ]);
  });

  it("is removed by the server: the index is there, also where only single items expire", async () => {
    for (const [collectionName, ttl] of [
      ["indexed", { defaultTtl: LONG, refreshOnRead: false }],
      ["single", undefined],
    ] as const) {
      const store = database.openStore({ collectionName, ttl });
      await store.put(["t"], "k", {}, undefined, { ttl: LONG });
      const indexes = await database.collection(collectionName).indexes();
      expect(indexes).toContainEqual(
        expect.objectContaining({ key: { expiresAt: 1 }, expireAfterSeconds: 0 }),
      );
    }
  });
});

describe("refreshOnRead", () => {
  const ttl = { defaultTtl: LONG, refreshOnRead: true };

  it("gives an item its whole time again and leaves updatedAt, by one command", async () => {
    const store = database.openStore({ collectionName: "refresh", ttl });
    await store.put(["t"], "k", { a: 1 });
    const put = (await database.collection("refresh").findOne({ key: "k" }))!;
    await sleep(20);
    const commands = await database.recordCommands(async () => {
      expect(await store.get(["t"], "k")).toMatchObject({
        value: { a: 1 },
        updatedAt: put["updatedAt"] as Date,
      });
    });
    expect(commands).toEqual(["findAndModify"]);
    expect(await readExpiry("refresh", "k")).toBeGreaterThan((put["expiresAt"] as Date).getTime());
  });

  it("works for all gets of a batch, and searches leave the expiry", async () => {
    const store = database.openStore({ collectionName: "refresh_many", ttl });
    await store.put(["t"], "1", {});
    await store.put(["u"], "2", {});
    const before = await Promise.all(["1", "2"].map((key) => readExpiry("refresh_many", key)));
    await sleep(20);
    await store.search([]);
    expect(await readExpiry("refresh_many", "1")).toBe(before[0]);
    const items = await store.batch([
      { namespace: ["t"], key: "1" },
      { namespace: ["u"], key: "2" },
      { namespace: ["u"], key: "3" },
    ]);
    expect(items).toMatchObject([{ key: "1" }, { key: "2" }, null]);
    for (const [index, key] of ["1", "2"].entries()) {
      expect(await readExpiry("refresh_many", key)).toBeGreaterThan(before[index]!);
    }
  });

  it("gives an item its own TTL again, and one that stays none", async () => {
    const store = database.openStore({ collectionName: "refresh_own", ttl });
    await store.put(["t"], "own", {}, undefined, { ttl: 10 * LONG });
    await store.put(["t"], "stays", {}, undefined, { ttl: null });
    await store.get(["t"], "own");
    await store.get(["t"], "stays");
    expect(await readExpiry("refresh_own", "own")).toBeGreaterThan(Date.now() + 9 * LONG * 1_000);
    expect(await readExpiry("refresh_own", "stays")).toBeUndefined();
  });

  it("brings nothing back that has expired", async () => {
    const store = database.openStore({
      collectionName: "refresh_gone",
      ttl: { defaultTtl: 0.03, refreshOnRead: true },
    });
    await store.put(["t"], "k", {});
    await sleep(60);
    expect(await store.get(["t"], "k")).toBeNull();
    expect(await store.get(["t"], "k")).toBeNull();
    const both = [
      { namespace: ["t"], key: "k" },
      { namespace: ["t"], key: "l" },
    ];
    expect(await store.batch(both)).toEqual([null, null]);
  });
});

it.each([
  [{ defaultTtl: 0, refreshOnRead: false }],
  [{ defaultTtl: -1, refreshOnRead: false }],
  [{ defaultTtl: Infinity, refreshOnRead: false }],
  [{ defaultTtl: 1, refreshOnRead: "yes" }],
  [{ refreshOnRead: true }],
  [5],
])("the TTL %j is refused", (ttl) => {
  const open = () => new MongoDBStore({ client: database.client, ttl: ttl as never });
  expect(open).toThrow(InvalidOptionsError);
  expect(open).toThrow(/^ {2}ttl(?:\.\w+)?: /m);
});
