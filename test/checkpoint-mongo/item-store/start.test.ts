import {
  InvalidOptionsError,
  MongoDBStore,
  SetupError,
  type MongoDBStoreParams,
} from "@threadkeep/checkpoint-mongo";
import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { describe, expect, it } from "vitest";
import { asNewProcess } from "../new-process.ts";
import { useStores } from "./use-stores.ts";

const { client, uri, ...database } = useStores();

describe("start", () => {
  it("may be run by 8 processes at once, and again, and changes nothing then", async () => {
    await using own = temporaryDatabase(client);
    const clients = Array.from({ length: 8 }, () => new MongoClient(uri));
    const ttl = { defaultTtl: 60, refreshOnRead: false };
    const items = client.db(own.name).collection("store");
    try {
      const stores = clients.map((one) => new MongoDBStore({ client: one, dbName: own.name, ttl }));
      await Promise.all(stores.map((store) => store.start()));
      const indexes = await items.indexes();
      expect(indexes.map(({ name }) => String(name)).toSorted()).toEqual([
        "_id_",
        "expiresAt_1",
        "namespaceStr_1_key_1",
        "namespace_1_key_1",
      ]);
      await Promise.all(stores.map((store) => store.start()));
      await new MongoDBStore({ client, dbName: own.name, ttl }).start();
      expect(await items.indexes()).toEqual(indexes);
    } finally {
      await Promise.all(clients.map((one) => one.close()));
    }
  });

  it("is done on first use by a store that was never started", async () => {
    for (const use of [
      (store: MongoDBStore) => store.put(["a"], "k", {}),
      (store: MongoDBStore) => store.get(["a"], "k"),
      (store: MongoDBStore) => store.search(["a"]),
      (store: MongoDBStore) => store.listNamespaces(),
      (store: MongoDBStore) => store.delete(["a"], "k"),
    ]) {
      await using own = temporaryDatabase(client);
      await use(new MongoDBStore({ client, dbName: own.name }));
      expect(await client.db(own.name).collection("store").indexes()).toHaveLength(3);
    }
  });

  it("throws a SetupError that says what is wrong, and the next use tries again", async () => {
    await using own = temporaryDatabase(client);
    const items = client.db(own.name).collection("store");
    await items.createIndexes([{ key: { something: 1 }, name: "namespaceStr_1_key_1" }]);
    const store = new MongoDBStore({ client, dbName: own.name });
    const error: unknown = await store.start().catch((thrown: unknown) => thrown);
    expect(SetupError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({
      code: "SETUP_FAILED",
      cause: expect.any(Error) as Error,
      message: expect.stringContaining(`${own.name}.store`) as string,
    });
    await expect(store.get(["a"], "k")).rejects.toMatchObject({ code: "SETUP_FAILED" });
    await items.dropIndex("namespaceStr_1_key_1");
    await store.put(["a"], "k", { a: 1 });
    expect(await store.get(["a"], "k")).toMatchObject({ value: { a: 1 } });
  });
});

describe("stores of one client, made for one request each", () => {
  const SETUP_COMMANDS = new Set(["createIndexes", "createSearchIndexes", "listSearchIndexes"]);
  const recordSetup = async (action: () => Promise<unknown>) => {
    const commands = await database.recordCommands(action);
    return commands.filter((command) => SETUP_COMMANDS.has(command));
  };
  const ttl = { defaultTtl: 60, refreshOnRead: false };

  it.each([
    ["one after the other", (requests: (() => Promise<unknown>)[]) => inTurn(requests)],
    ["at once", (requests: (() => Promise<unknown>)[]) => Promise.all(requests.map((go) => go()))],
  ])("are set up by the first of them: 200 %s", async (_how, serve) => {
    await using own = temporaryDatabase(client);
    const mine = asNewProcess(client);
    const requests = Array.from({ length: 200 }, (_, n) => async () => {
      const store = new MongoDBStore({ client: mine, dbName: own.name, ttl });
      await store.put(["a"], `${n}`, { n });
      expect(await store.get(["a"], `${n}`)).toMatchObject({ value: { n } });
    });
    expect(await recordSetup(() => serve(requests))).toEqual(["createIndexes", "createIndexes"]);
    expect(await client.db(own.name).collection("store").indexes()).toHaveLength(4);
  });

  it("try again what failed, and start() always asks", async () => {
    await using own = temporaryDatabase(client);
    const mine = asNewProcess(client);
    const open = () => new MongoDBStore({ client: mine, dbName: own.name });
    const items = client.db(own.name).collection("store");
    await items.createIndexes([{ key: { something: 1 }, name: "namespaceStr_1_key_1" }]);
    for (let n = 0; n < 2; n += 1) {
      await expect(open().get(["a"], "k")).rejects.toMatchObject({ code: "SETUP_FAILED" });
    }
    await items.dropIndex("namespaceStr_1_key_1");
    await open().put(["a"], "k", {});
    expect(await recordSetup(() => open().get(["a"], "k"))).toEqual([]);
    await own.drop();
    await open().start();
    expect(await items.indexes()).toHaveLength(3);
  });

  it("have an index for what only some of them need", async () => {
    await using own = temporaryDatabase(client);
    const mine = asNewProcess(client);
    const items = client.db(own.name).collection("store");
    await new MongoDBStore({ client: mine, dbName: own.name }).put(["a"], "k", {});
    expect(await items.indexes()).toHaveLength(3);
    await new MongoDBStore({ client: mine, dbName: own.name, ttl }).put(["a"], "k", {});
    expect(await items.indexes()).toHaveLength(4);
    const other = { client: mine, dbName: own.name, collectionName: "other" };
    await new MongoDBStore(other).put(["a"], "k", {});
    expect(await client.db(own.name).collection("other").indexes()).toHaveLength(3);
  });
});

async function inTurn(requests: (() => Promise<unknown>)[]): Promise<void> {
  for (const request of requests) await request();
}

describe("the client", () => {
  it("that was passed in stays open when the store is stopped", async () => {
    const store = database.openStore();
    await store.start();
    await store.stop();
    await store[Symbol.asyncDispose]();
    expect(await client.db("admin").command({ ping: 1 })).toMatchObject({ ok: 1 });
  });

  it("that fromConnString made is connected, and closed with the store", async () => {
    await using own = temporaryDatabase(client);
    const store = await MongoDBStore.fromConnString(uri, { dbName: own.name });
    await store.put(["a"], "k", { a: 1 });
    expect(await client.db(own.name).collection("store").countDocuments()).toBe(1);
    await store.stop();
    await expect(store.get(["a"], "k")).rejects.toThrow(/closed|connect/i);
  });

  it("has options of its own that do not reach what the store reads and writes", async () => {
    await using own = temporaryDatabase(client);
    const value = {
      whole: 2 ** 40,
      date: new Date(5),
      text: "x",
      map: new Map([["a", undefined]]),
    };
    for (const options of [
      { promoteValues: false },
      { promoteLongs: false },
      { useBigInt64: true },
      { promoteBuffers: true },
      { ignoreUndefined: true },
      { raw: true },
      { serializeFunctions: true },
    ]) {
      const odd = new MongoClient(uri, options);
      try {
        const store = new MongoDBStore({ client: odd, dbName: own.name });
        await store.put(["a"], "k", value);
        expect((await store.get(["a"], "k"))?.value).toEqual(value);
        expect((await store.search(["a"], { filter: { whole: 2 ** 40 } }))[0]?.value).toEqual(
          value,
        );
        expect(await store.listNamespaces()).toEqual([["a"]]);
      } finally {
        await odd.close();
      }
    }
  });
});

const embeddings = {
  embedDocuments: () => Promise.resolve([]),
  embedQuery: () => Promise.resolve([]),
};

describe("options", () => {
  it("have the official store's defaults", async () => {
    await using own = temporaryDatabase(client);
    await new MongoDBStore({ client, dbName: own.name }).put(["a"], "k", {});
    const document = await client.db(own.name).collection("store").findOne();
    expect(Object.keys(document!).toSorted()).toEqual([
      "_id",
      "createdAt",
      "key",
      "namespace",
      "namespaceStr",
      "updatedAt",
      "value",
    ]);
  });

  it("enableTimestamps adds upserted_at", async () => {
    const store = database.openStore({ collectionName: "stamped", enableTimestamps: true });
    await store.put(["a"], "k", {});
    const document = await database.collection("stamped").findOne();
    expect(document?.["upserted_at"]).toBeInstanceOf(Date);
  });

  it.each<[Record<string, unknown>, string]>([
    [{ client: undefined }, "client"],
    [{ client: {} }, "client"],
    [{ dbName: "a b" }, "dbName"],
    [{ collectionName: "" }, "collectionName"],
    [{ collectionName: "a$b" }, "collectionName"],
    [{ enableTimestamps: "yes" }, "enableTimestamps"],
    [{ embeddings: {} }, "embeddings"],
    [{ indexConfig: { name: "" } }, "indexConfig.name"],
    [{ indexConfig: { name: "v", model: "m" } }, "indexConfig.path"],
    [{ indexConfig: { name: "v" } }, "indexConfig.model"],
    [{ embeddings, indexConfig: { name: "v", dims: 0 } }, "indexConfig.dims"],
    [{ embeddings, indexConfig: { name: "v", dims: 4, path: "value" } }, "indexConfig.path"],
    [{ embeddings, indexConfig: { name: "v", dims: 4, path: "$x" } }, "indexConfig.path"],
    [
      { embeddings, indexConfig: { name: "v", dims: 4, similarityFunction: "dot" } },
      "indexConfig.similarityFunction",
    ],
    [{ maxExactSearchItems: -1 }, "maxExactSearchItems"],
    [{ onEvent: "log" }, "onEvent"],
  ])("%o are refused by name", (options, name) => {
    const open = () => new MongoDBStore(Object.assign({ client }, options));
    expect(open).toThrow(InvalidOptionsError);
    expect(open).toThrow("Invalid options of MongoDBStore");
    expect(open).toThrow(`  ${name}: `);
  });

  it("that do not exist are refused", () => {
    const open = () => new MongoDBStore({ client, collection: "x" } as MongoDBStoreParams);
    expect(open).toThrow(InvalidOptionsError);
  });
});

describe("a subclass, a proxy and a wrapper", () => {
  class Prefixed extends MongoDBStore {
    describe(): string {
      return [
        this.db.databaseName,
        this.collectionName,
        this.enableTimestamps,
        this.ownsClient,
      ].join();
    }

    isOn(other: MongoClient): boolean {
      return this.client === other;
    }
  }

  it("work like the store itself", async () => {
    const store = new Prefixed({ client, dbName: database.name, collectionName: "subclass" });
    expect(store.describe()).toBe(`${database.name},subclass,false,false`);
    expect(store.isOn(client)).toBe(true);
    for (const [index, wrapped] of [
      store,
      new Proxy(store, {}),
      Object.create(store) as MongoDBStore,
    ].entries()) {
      await wrapped.put(["w"], `${index}`, { index });
      expect(await wrapped.get(["w"], `${index}`)).toMatchObject({ value: { index } });
    }
  });
});
