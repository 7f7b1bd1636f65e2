import { InvalidOptionsError, MongoDBSaver, SetupError } from "@threadkeep/checkpoint-mongo";
import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient, MongoServerError, type Db, type IndexDescriptionInfo } from "mongodb";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { asNewProcess } from "./new-process.ts";
import { COLLECTION, useDatabase } from "./use-database.ts";

const { client, uri } = useDatabase();

/** The indexes of searches over all threads. */
const OF_SEARCHES = ["config", "created", "metadata", "moving", "run", "status"];

const INDEXES = [
  "_id_",
  "address",
  "expiry",
  "fence",
  "place",
  "head",
  "labels",
  "order",
  "segment",
  "writes",
  ...OF_SEARCHES,
].toSorted();

async function listIndexes(db: Db): Promise<IndexDescriptionInfo[]> {
  const indexes = await db.collection(COLLECTION).indexes();
  return indexes.toSorted((a, b) => (a.name! < b.name! ? -1 : 1));
}

async function listCollections(db: Db): Promise<string[]> {
  const collections = await db.listCollections().toArray();
  return collections.map(({ name }) => name).toSorted();
}

describe("setup", () => {
  it("may be run by 8 processes at once, and again, and changes nothing then", async () => {
    await using database = temporaryDatabase(client);
    const clients = Array.from({ length: 8 }, () => new MongoClient(uri));
    try {
      const savers = clients.map((own) => new MongoDBSaver({ client: own, dbName: database.name }));
      await Promise.all(savers.map((saver) => saver.setup()));
      const indexes = await listIndexes(client.db(database.name));
      await Promise.all(savers.map((saver) => saver.setup()));
      await new MongoDBSaver({ client, dbName: database.name }).setup();
      expect(await listIndexes(client.db(database.name))).toEqual(indexes);
    } finally {
      await Promise.all(clients.map((own) => own.close()));
    }
  });

  it("binds every index to the thread, and so all unique ones, but for expiry, the pointer to a checkpoint, and searches over threads", async () => {
    await using database = temporaryDatabase(client);
    await new MongoDBSaver({ client, dbName: database.name }).setup();
    const indexes = await listIndexes(client.db(database.name));
    const unbound = indexes.filter(({ key }) => Object.keys(key)[0] !== "thread_id");
    const names = unbound.map(({ name }) => name!);
    expect(names).toEqual(["_id_", "expiry", "writes", ...OF_SEARCHES].toSorted());
    // A sharded collection has no unique index that does not begin with its key.
    expect(unbound.filter(({ unique }) => unique === true)).toEqual([]);
  });

  it("is done on first use by a saver that was never set up", async () => {
    for (const use of [
      (saver: MongoDBSaver) => putCheckpoint(saver, threadConfig("t"), makeCheckpoint({ a: 1 })),
      (saver: MongoDBSaver) => saver.getTuple(threadConfig("t")),
      (saver: MongoDBSaver) => Array.fromAsync(saver.list(threadConfig("t"))),
      (saver: MongoDBSaver) => saver.deleteThread("t"),
      (saver: MongoDBSaver) =>
        saver.putWrites(threadConfig("t", { checkpointId: "1" }), [["a", 1]], "task"),
      (saver: MongoDBSaver) =>
        saver.getDeltaChannelHistory({ config: threadConfig("t"), channels: ["a"] }),
    ]) {
      await using database = temporaryDatabase(client);
      await use(new MongoDBSaver({ client, dbName: database.name }));
      const indexes = await listIndexes(client.db(database.name));
      expect(indexes.map(({ name }) => name)).toEqual(INDEXES);
    }
  });

  it("throws a SetupError that says what is wrong, and the next use tries again", async () => {
    await using database = temporaryDatabase(client);
    const collection = client.db(database.name).collection(COLLECTION);
    await collection.createIndexes([{ key: { something: 1 }, name: "address" }]);
    const saver = new MongoDBSaver({ client, dbName: database.name });
    const error: unknown = await saver.setup().catch((thrown: unknown) => thrown);
    expect(SetupError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({
      code: "SETUP_FAILED",
      cause: expect.any(Error) as Error,
      message: expect.stringContaining(`${database.name}.${COLLECTION}`) as string,
    });
    const put = () => putCheckpoint(saver, threadConfig("t"), makeCheckpoint({ a: 1 }));
    await expect(put()).rejects.toMatchObject({ code: "SETUP_FAILED" });
    await collection.dropIndex("address");
    await put();
    expect(await saver.getTuple(threadConfig("t"))).toBeDefined();
  });

  it("changes how long the server keeps expired documents without creating the index again", async () => {
    await using database = temporaryDatabase(client);
    const dbName = database.name;
    const graces = [];
    for (const ttlGraceSeconds of [60, 5, 5]) {
      await new MongoDBSaver({ client, dbName, ttlGraceSeconds }).setup();
      const indexes = await listIndexes(client.db(dbName));
      graces.push(indexes.find(({ name }) => name === "expiry")?.expireAfterSeconds);
    }
    expect(graces).toEqual([60, 5, 5]);
  });

  it("fails in no process while many change at once how long expired documents stay", async () => {
    await using database = temporaryDatabase(client);
    const dbName = database.name;
    for (let round = 0; round < 5; round += 1) {
      const graces = Array.from({ length: 12 }, (_, index) => [60, 5, 30][index % 3]);
      const savers = graces.map(
        (ttlGraceSeconds) =>
          new MongoDBSaver({ client: asNewProcess(client), dbName, ttlGraceSeconds }),
      );
      await Promise.all(savers.map((saver) => saver.setup()));
      const indexes = await listIndexes(client.db(dbName));
      const expiry = indexes.find(({ name }) => name === "expiry")?.expireAfterSeconds;
      expect(graces).toContain(expiry);
    }
  });

  it("accepts indexes that exist already, under any names", async () => {
    await using database = temporaryDatabase(client);
    const collection = client.db(database.name).collection(COLLECTION);
    const key = { thread_id: 1, kind: 1, checkpoint_id: -1, checkpoint_ns: 1 };
    await collection.createIndexes([{ key, name: "by_address" }]);
    const saver = new MongoDBSaver({ client, dbName: database.name });
    await putCheckpoint(saver, threadConfig("t"), makeCheckpoint({ a: 1 }));
    expect(await saver.getTuple(threadConfig("t"))).toBeDefined();
  });

  it("needs no right to list collections", async () => {
    await using database = temporaryDatabase(client);
    const own = new MongoClient(uri);
    try {
      const open = own.db.bind(own);
      const refuse = () => ({
        toArray: () =>
          Promise.reject(new MongoServerError({ message: "not authorized", code: 13 })),
      });
      Object.assign(own, {
        db: (...parameters: Parameters<MongoClient["db"]>) =>
          Object.assign(open(...parameters), { listCollections: refuse }),
      });
      const saver = new MongoDBSaver({ client: own, dbName: database.name });
      await putCheckpoint(saver, threadConfig("t"), makeCheckpoint({ a: 1 }));
      expect(await saver.getTuple(threadConfig("other"))).toBeUndefined();
    } finally {
      await own.close();
    }
  });
});

describe("where the collections of the earlier layout are there", () => {
  const EARLIER = ["checkpoints", "segments", "writes"];

  async function make(db: Db, names: readonly string[]): Promise<void> {
    for (const name of names) await db.createCollection(name);
  }

  it.each(["threadkeep_", "own_"])(
    "with the prefix %s, setup and any use are refused before anything is created",
    async (collectionPrefix) => {
      await using database = temporaryDatabase(client);
      const db = client.db(database.name);
      const names = EARLIER.map((name) => collectionPrefix + name);
      await make(db, names);
      const saver = new MongoDBSaver({ client, dbName: database.name, collectionPrefix });
      for (const use of [
        () => saver.setup(),
        () => putCheckpoint(saver, threadConfig("t"), makeCheckpoint({ a: 1 })),
        () => saver.getTuple(threadConfig("t")),
      ]) {
        const error: unknown = await use().catch((thrown: unknown) => thrown);
        expect(SetupError.isInstance(error)).toBe(true);
        const { message } = error as SetupError;
        for (const part of [database.name, ...names, `${collectionPrefix}threads`]) {
          expect(message).toContain(part);
        }
        expect(message).toMatch(/earlier layout.*Drop.*another collectionPrefix/s);
      }
      expect(await listCollections(db)).toEqual(names);
    },
  );

  it("under another prefix, they do not get in the way", async () => {
    await using database = temporaryDatabase(client);
    const db = client.db(database.name);
    await make(
      db,
      EARLIER.map((name) => `threadkeep_${name}`),
    );
    const saver = new MongoDBSaver({ client, dbName: database.name, collectionPrefix: "own_" });
    await putCheckpoint(saver, threadConfig("t"), makeCheckpoint({ a: 1 }));
    expect(await saver.getTuple(threadConfig("t"))).toBeDefined();
  });

  it.each([
    "checkpoints",
    "segments",
    "writes",
    "checkpoints and segments",
    "checkpoints and writes",
    "segments and writes",
  ])("but only %s of the three, they are someone else's", async (some) => {
    await using database = temporaryDatabase(client);
    const db = client.db(database.name);
    // The official saver's, for example, under names of the user's.
    await make(
      db,
      some.split(" and ").map((name) => `app_${name}`),
    );
    const saver = new MongoDBSaver({
      client,
      dbName: database.name,
      collectionPrefix: "app_",
      checkpointCollectionName: "app_checkpoints",
      checkpointWritesCollectionName: "app_writes",
    });
    await putCheckpoint(saver, threadConfig("t"), makeCheckpoint({ a: 1 }));
    expect(await saver.getTuple(threadConfig("t"))).toBeDefined();
  });
});

describe("the client", () => {
  it("that was passed in stays open when the saver is closed", async () => {
    await using database = temporaryDatabase(client);
    const saver = new MongoDBSaver({ client, dbName: database.name });
    await saver.setup();
    await saver.close();
    await saver[Symbol.asyncDispose]();
    expect(await client.db(database.name).command({ ping: 1 })).toMatchObject({ ok: 1 });
  });

  it("that fromConnString made is closed with the saver", async () => {
    await using database = temporaryDatabase(client);
    const saver = MongoDBSaver.fromConnString(uri, { dbName: database.name });
    await putCheckpoint(saver, threadConfig("t"), makeCheckpoint({ a: 1 }));
    await saver.close();
    await expect(saver.getTuple(threadConfig("t"))).rejects.toThrow(/closed|connect/i);
    const reader = new MongoDBSaver({ client, dbName: database.name });
    expect(await reader.getTuple(threadConfig("t"))).toBeDefined();
  });

  it("that fromConnString made is closed at the end of an `await using`", async () => {
    await using database = temporaryDatabase(client);
    let used: MongoDBSaver;
    {
      await using saver = MongoDBSaver.fromConnString(uri, { dbName: database.name });
      await saver.setup();
      used = saver;
    }
    await expect(used.getTuple(threadConfig("t"))).rejects.toThrow(/closed|connect/i);
  });

  it("by default uses the database of the connection string", async () => {
    await using database = temporaryDatabase(client);
    const withDatabase = new URL(uri);
    withDatabase.pathname = `/${database.name}`;
    await using saver = MongoDBSaver.fromConnString(withDatabase.href);
    await putCheckpoint(saver, threadConfig("t"), makeCheckpoint({ a: 1 }));
    const stored = client.db(database.name).collection(COLLECTION);
    expect(await stored.countDocuments({ thread_id: "t", kind: "checkpoint" })).toBe(1);
  });
});

describe("collectionPrefix", () => {
  it("keeps savers of one database apart", async () => {
    await using database = temporaryDatabase(client);
    const savers = ["one_", "two_"].map(
      (collectionPrefix) => new MongoDBSaver({ client, dbName: database.name, collectionPrefix }),
    );
    await putCheckpoint(savers[0]!, threadConfig("t"), makeCheckpoint({ a: 1 }));
    expect(await savers[0]!.getTuple(threadConfig("t"))).toBeDefined();
    expect(await savers[1]!.getTuple(threadConfig("t"))).toBeUndefined();
    expect(await listCollections(client.db(database.name))).toEqual(["one_threads", "two_threads"]);
  });
});

describe("an option that cannot work", () => {
  it.each<[Record<string, unknown>, string[]]>([
    [{ client: undefined }, ["client", "MongoClient", "fromConnString"]],
    [{ client: {} }, ["client", "MongoClient"]],
    [{ client: "mongodb://localhost" }, ["client", "MongoClient"]],
    [{ dbName: "" }, ["dbName", "a valid name of a database", "got an empty string"]],
    [{ dbName: "a.b" }, ["dbName", "a valid name of a database", "got a string of 3 characters"]],
    [{ dbName: 7 }, ["dbName", "string", "got 7"]],
    [{ collectionPrefix: "" }, ["collectionPrefix"]],
    [{ collectionPrefix: "system.x" }, ["collectionPrefix", "a valid name", "got a string of 8"]],
    [
      { checkpointCollectionName: "a$b" },
      ["checkpointCollectionName", "a valid name", "got a string of 3"],
    ],
    [{ checkpointWritesCollectionName: null }, ["checkpointWritesCollectionName", "string"]],
    [{ enableTimestamps: "yes" }, ["enableTimestamps", "true or false", "got a string"]],
    [{ ttl: 0 }, ["ttl", "above 0", "got 0"]],
    [{ ttl: -5 }, ["ttl", "above 0", "got -5"]],
    [{ ttl: Number.NaN }, ["ttl", "number", "got NaN"]],
    [{ ttl: "60" }, ["ttl", "number", "got a string"]],
    [{ ttlRefreshOnRead: true }, ["ttlRefreshOnRead", "set ttl too"]],
    [{ ttlGraceSeconds: 1.5 }, ["ttlGraceSeconds", "a whole number", "got 1.5"]],
    [{ cacheMaxBytes: 0 }, ["cacheMaxBytes", "above 0", "got 0"]],
    [{ timeToLive: 60 }, ["timeToLive"]],
    [{ integrity: { key: "too short" } }, ["integrity.key", "at least 16 bytes"]],
  ])(
    "%o is refused with its name, what is expected, and what kind of value it is",
    (option, parts) => {
      let thrown: unknown;
      try {
        void new MongoDBSaver({ client, ...option });
      } catch (error) {
        thrown = error;
      }
      expect(InvalidOptionsError.isInstance(thrown)).toBe(true);
      for (const part of parts) expect((thrown as Error).message).toContain(part);
    },
  );

  it("is refused by fromConnString before a client is made", () => {
    expect(() => MongoDBSaver.fromConnString(uri, { ttl: -1 })).toThrow(InvalidOptionsError);
    expect(() => MongoDBSaver.fromConnString("no uri")).toThrow(/scheme/);
  });
});
