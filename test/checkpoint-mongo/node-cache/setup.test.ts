import type { CacheFullKey } from "@langchain/langgraph-checkpoint";
import { InvalidOptionsError, MongoDBCache, SetupError } from "@threadkeep/checkpoint-mongo";
import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { describe, expect, it, vi } from "vitest";
import { asNewProcess } from "../new-process.ts";
import { useCacheDatabase } from "./use-cache.ts";

const { database, openCache } = useCacheDatabase();

describe("setup", () => {
  it("may be run by 8 processes at once, and again, and changes nothing then", async () => {
    await using own = temporaryDatabase(database.client);
    const clients = Array.from({ length: 8 }, () => new MongoClient(database.uri));
    try {
      const caches = clients.map((client) => new MongoDBCache({ client, dbName: own.name }));
      await Promise.all(caches.map((cache) => cache.setup()));
      const collection = database.client.db(own.name).collection("threadkeep_cache");
      const indexes = await collection.indexes();
      expect(indexes).toHaveLength(4);
      await Promise.all(caches.map((cache) => cache.set([{ key: [["n"], "k"], value: 1 }])));
      expect(await collection.countDocuments()).toBe(1);
      expect(await collection.indexes()).toEqual(indexes);
    } finally {
      await Promise.all(clients.map((client) => client.close()));
    }
  });

  it("throws if it fails; get and set report that, and the next use tries again", async () => {
    const { cache, events, collection } = openCache("failing");
    await collection.createIndexes([{ key: { other: 1 }, name: "namespace" }]);
    await expect(cache.setup()).rejects.toThrow(SetupError);
    expect(await cache.get([[["n"], "k"]])).toEqual([]);
    await cache.set([{ key: [["n"], "k"], value: 1 }]);
    expect(events).toMatchObject([
      { type: "cache-failure", operation: "get" },
      { type: "cache-failure", operation: "set" },
    ]);
    await collection.dropIndex("namespace");
    await cache.set([{ key: [["n"], "k"], value: 1 }]);
    expect(await cache.get([[["n"], "k"]])).toHaveLength(1);
    expect(events).toHaveLength(2);
  });
});

describe("caches of one client, made for one request each", () => {
  const key: CacheFullKey = [["n"], "k"];

  it("are set up by the first of them: 200 one after the other, and at once", async () => {
    const one = asNewProcess(database.client);
    const serve = (dbName: string) =>
      new MongoDBCache({ client: one, dbName, collectionPrefix: "requests_" }).get([key]);
    await using own = temporaryDatabase(database.client);
    const inTurn = await database.recordCommands(async () => {
      for (let request = 0; request < 200; request += 1) await serve(own.name);
    });
    expect(inTurn).toEqual(["createIndexes", ...Array<string>(200).fill("find")]);
    await using other = temporaryDatabase(database.client);
    const atOnce = await database.recordCommands(() =>
      Promise.all(Array.from({ length: 200 }, () => serve(other.name))),
    );
    expect(atOnce).toEqual(["createIndexes", ...Array<string>(200).fill("find")]);
  });

  it("make the indexes again by setup() after the database was dropped", async () => {
    const one = asNewProcess(database.client);
    await using own = temporaryDatabase(database.client);
    const open = () => new MongoDBCache({ client: one, dbName: own.name });
    await open().set([{ key, value: 1 }]);
    await own.drop();
    await open().setup();
    const indexes = await database.client.db(own.name).collection("threadkeep_cache").indexes();
    expect(indexes).toHaveLength(4);
  });
});

describe("options", () => {
  it.each([
    [{ maxBytes: 10 }, "maxBytes"],
    [{ maxBytes: 1e6 + 0.5 }, "maxBytes"],
    [{ ttl: 0 }, "ttl"],
    [{ ttl: "60" }, "ttl"],
    [{ collectionPrefix: "a$b" }, "collectionPrefix"],
    [{ dbName: "a b" }, "dbName"],
    [{ integrity: { key: "short" } }, "integrity.key"],
    [{ onEvent: "log" }, "onEvent"],
    [{ maxbytes: 1e6 }, "maxbytes"],
    [{ client: undefined }, "client"],
    [{ client: {} }, "client"],
  ])("that cannot work are refused by name: %j", (options, name) => {
    const make = () => new MongoDBCache({ client: database.client, ...options } as never);
    expect(make).toThrow(InvalidOptionsError);
    expect(make).toThrow(name);
  });

  it("do not show a secret in an error", () => {
    const key = "sh0rt-secret";
    const make = () => new MongoDBCache({ client: database.client, integrity: { key } });
    expect(make).toThrow(/integrity\.key/);
    expect(make).not.toThrow(key);
  });
});

it("what happens is a warning of the process by default", async () => {
  const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
  try {
    const cache = new MongoDBCache({ client: database.client, dbName: database.name });
    await cache.set([{ key: [["graph"], "k"], value: () => 1 }]);
    expect(warn.mock.calls).toEqual([
      [
        expect.stringContaining('The entry "k" of ["graph"] was not cached'),
        { type: "ThreadkeepWarning", code: "CACHE_ENTRY_REFUSED" },
      ],
    ]);
  } finally {
    warn.mockRestore();
  }
});

it("clear does not touch documents that are not entries", async () => {
  const { cache, collection } = openCache("foreign");
  await collection.insertOne({ mine: true });
  await cache.set([{ key: [["n"], "k"], value: 1 }]);
  await cache.clear();
  expect(await collection.find().toArray()).toMatchObject([{ mine: true }]);
});
