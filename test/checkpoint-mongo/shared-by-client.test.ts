/**
 * What savers that are made for one request each have in common, and what they must not: here all
 * savers of a test are of one process and one client, unless it says otherwise.
 */
import { JsonPlusSerializer, type SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { asNewProcess } from "./new-process.ts";
import { COLLECTION, useDatabase } from "./use-database.ts";

const database = useDatabase();
const SETUP_COMMANDS = new Set(["hello", "createIndexes", "listCollections", "collMod"]);

afterEach(() => vi.restoreAllMocks());

/** The savers of one process, on a database that is removed at the end of the test. */
function useProcess() {
  const client = asNewProcess(database.client);
  const own = temporaryDatabase(client);
  onTestFinished(() => own.drop());
  const dbName = own.name;
  return {
    client,
    dbName,
    db: client.db(dbName),
    drop: () => own.drop(),
    open: (settings: MongoDBSaverSettings = {}, serde?: SerializerProtocol) =>
      new MongoDBSaver({ client, dbName, ...settings }, serde),
  };
}

async function recordSetup(action: () => Promise<unknown>): Promise<string[]> {
  const commands = await database.recordCommands(action);
  return commands.filter((command) => SETUP_COMMANDS.has(command));
}

/** What a request does: it finds out where a thread is and takes it a step further. */
async function serveRequest(saver: MongoDBSaver, threadId: string): Promise<void> {
  const found = await saver.getTuple(threadConfig(threadId));
  const list = [...((found?.checkpoint.channel_values["list"] as string[]) ?? []), "x".repeat(400)];
  const checkpoint = makeCheckpoint({ list }, { versions: { list: list.length } });
  await putCheckpoint(saver, found?.config ?? threadConfig(threadId), checkpoint);
}

describe("savers made for one request each", () => {
  it("are set up by the first of them: 200 one after the other", async () => {
    const { open } = useProcess();
    const first = await recordSetup(() => serveRequest(open(), "thread-0"));
    expect(first).toContain("createIndexes");
    const others = await database.recordCommands(async () => {
      for (let request = 1; request < 200; request += 1) {
        await serveRequest(open(), `thread-${request % 50}`);
      }
    });
    expect(others.filter((command) => SETUP_COMMANDS.has(command))).toEqual([]);
  });

  it("are set up once when 200 come at once", async () => {
    const process = useProcess();
    const alone = await recordSetup(() => serveRequest(useProcess().open(), "thread"));
    const together = await recordSetup(() =>
      Promise.all(Array.from({ length: 200 }, (_, n) => serveRequest(process.open(), `${n}`))),
    );
    expect(together.toSorted()).toEqual(alone.toSorted());
    const read = process.open();
    for (let n = 0; n < 200; n += 1) {
      expect(await read.getTuple(threadConfig(`${n}`))).toBeDefined();
    }
  });

  it("find in memory what an earlier saver stored or read", async () => {
    const { open } = useProcess();
    await serveRequest(open(), "known");
    await serveRequest(open(), "known");
    const commands = await database.recordCommands(() => open().getTuple(threadConfig("known")));
    expect(commands).toEqual(["aggregate"]);
    expect(open().cacheStats).toEqual(open().cacheStats);
    expect(open().cacheStats.hits).toBeGreaterThan(0);
  });

  it("show no child of a checkpoint before writes that another of them was given", async () => {
    const { open } = useProcess();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const json = new JsonPlusSerializer();
    const slow: SerializerProtocol = {
      dumpsTyped: async (value) => {
        if (value === "slow") await released;
        return json.dumpsTyped(value);
      },
      loadsTyped: (type, value) => json.loadsTyped(type, value) as Promise<unknown>,
    };
    const config = await putCheckpoint(open({}, slow), threadConfig("t"), makeCheckpoint({ a: 1 }));
    const writes = open({}, slow).putWrites(config, [["a", "slow"]], "task");
    const child = makeCheckpoint({ a: 2 });
    const put = putCheckpoint(open({}, slow), config, child);
    await sleep(100);
    const childConfig = threadConfig("t", { checkpointId: child.id });
    expect(await open({}, slow).getTuple(childConfig)).toBeUndefined();
    release();
    await put;
    const { pendingWrites } = (await open({}, slow).getTuple(config))!;
    expect(pendingWrites).toEqual([["task", "a", "slow"]]);
    await writes;
  });
});

describe("what was set up", () => {
  it("is tried again by the next saver if it failed", async () => {
    const { open, db } = useProcess();
    const writes = db.collection(COLLECTION);
    await writes.createIndexes([{ key: { something: 1 }, name: "address" }]);
    const attempts = Array.from({ length: 5 }, (_, n) => serveRequest(open(), `${n}`));
    for (const attempt of await Promise.allSettled(attempts)) {
      expect(attempt).toMatchObject({ reason: { code: "SETUP_FAILED" } });
    }
    await expect(serveRequest(open(), "t")).rejects.toMatchObject({ code: "SETUP_FAILED" });
    await writes.dropIndex("address");
    await serveRequest(open(), "t");
    expect(await open().getTuple(threadConfig("t"))).toBeDefined();
  });

  it.each<[string, MongoDBSaverSettings, MongoDBSaverSettings]>([
    ["databases", {}, { dbName: temporaryDatabase(database.client).name }],
    ["collection prefixes", {}, { collectionPrefix: "other_" }],
    ["graces", { ttlGraceSeconds: 60 }, { ttlGraceSeconds: 61 }],
  ])("differs between %s", async (_what, one, other) => {
    const { open, client } = useProcess();
    onTestFinished(async () => {
      if (other.dbName !== undefined) await client.db(other.dbName).dropDatabase();
    });
    for (const settings of [one, other]) {
      const commands = await recordSetup(() => serveRequest(open(settings), "t"));
      expect(commands).toContain("createIndexes");
    }
    for (const settings of [one, other]) {
      expect(await recordSetup(() => serveRequest(open(settings), "t"))).toEqual([]);
    }
    const listed = await Array.fromAsync(open(one).list(threadConfig("t")));
    // The grace is no part of where a thread lies.
    expect(listed).toHaveLength(other.ttlGraceSeconds === undefined ? 2 : 4);
  });

  it("is done again by setup() after the database was dropped, and the cache is forgotten", async () => {
    const { open, drop, db } = useProcess();
    const early = open();
    await serveRequest(early, "t");
    const parent = await early.getTuple(threadConfig("t"));
    const names = async () => {
      const collections = await db.listCollections().toArray();
      const indexes = collections.map(({ name }) => db.collection(name).indexes());
      return (await Promise.all(indexes)).flat().map(({ name }) => String(name));
    };
    const before = await names();
    await drop();
    await open().setup();
    expect((await names()).toSorted()).toEqual(before.toSorted());
    expect(await open().getTuple(threadConfig("t"))).toBeUndefined();
    // A child of a removed checkpoint is stored whole, also by savers from before.
    for (const saver of [early, open()]) {
      const { list } = parent!.checkpoint.channel_values as { list: string[] };
      const child = makeCheckpoint({ list: [...list, "more"] }, { versions: { list: 2 } });
      const config = await saver.put(parent!.config, child, makeMetadata(), { list: 2 });
      expect((await open().getTuple(config))?.checkpoint.channel_values).toEqual(
        child.channel_values,
      );
    }
    expect((await open().verifyThread("t")).damages).toEqual([]);
  });

  it("is asked for by each setup(), also while another one is under way", async () => {
    const { open } = useProcess();
    const countIndexes = async (action: () => Promise<unknown>) =>
      (await recordSetup(action)).filter((command) => command === "createIndexes").length;
    const once = await countIndexes(() => open().setup());
    expect(once).toBeGreaterThan(0);
    expect(await countIndexes(() => open().setup())).toBe(once);
    const overlapping = await countIndexes(async () => {
      const first = open().setup();
      await setImmediate();
      await Promise.all([first, open().setup()]);
    });
    expect(overlapping).toBe(2 * once);
  });

  it("stays with a client that was closed and connected again", async () => {
    const client = new MongoClient(database.uri, { monitorCommands: true });
    onTestFinished(() => client.close());
    const setups: string[] = [];
    client.on("commandStarted", ({ commandName }) => {
      if (SETUP_COMMANDS.has(commandName)) setups.push(commandName);
    });
    const open = () => new MongoDBSaver({ client, dbName: database.name });
    await serveRequest(open(), "reconnected");
    await client.close();
    await client.connect();
    setups.length = 0;
    await serveRequest(open(), "reconnected");
    expect(setups).toEqual([]);
    expect(await Array.fromAsync(open().list(threadConfig("reconnected")))).toHaveLength(2);
  });
});

describe("collections of the official saver", () => {
  it("that are created later are found within a minute, also by a saver that found none", async () => {
    const { open, db } = useProcess();
    const saver = open();
    const config = threadConfig("official");
    expect(await saver.getTuple(config)).toBeUndefined();
    const [type, bytes] = await saver.serde.dumpsTyped(makeCheckpoint({ a: 1 }));
    const [, metadata] = await saver.serde.dumpsTyped(makeMetadata());
    await db.collection("checkpoints").insertOne({
      ...config.configurable,
      checkpoint_id: "1",
      type,
      checkpoint: bytes,
      metadata,
    });
    expect(await open().getTuple(config)).toBeUndefined();
    const now = performance.now.bind(performance);
    vi.spyOn(performance, "now").mockImplementation(() => now() + 60_000);
    for (const later of [saver, open()]) {
      const found = await later.getTuple(config);
      expect(found?.checkpoint.channel_values).toEqual({ a: 1 });
    }
    const commands = await recordSetup(() => open().getTuple(threadConfig("another")));
    expect(commands).toEqual([]);
  });

  it("are looked for once a minute while there are none", async () => {
    const { open } = useProcess();
    await open().setup();
    const now = performance.now.bind(performance);
    vi.spyOn(performance, "now").mockImplementation(() => now() + 60_000);
    const commands = await recordSetup(() =>
      Promise.all(Array.from({ length: 20 }, (_, n) => open().getTuple(threadConfig(`${n}`)))),
    );
    // The server's time is asked for as well, once: this process's clock has jumped.
    expect(commands.toSorted()).toEqual(["hello", "listCollections"]);
  });
});

describe("what one saver has verified", () => {
  const keyed = { integrity: { key: "a key of 16 bytes or more" } };

  it("is verified again by a saver with another integrity key", async () => {
    const { open } = useProcess();
    await serveRequest(open(), "t");
    await serveRequest(open(), "t");
    const latest = await open().getTuple(threadConfig("t"));
    await open().putWrites(latest!.config, [["list", "pending"]], "task");
    await open().getTuple(threadConfig("t"));
    for (const settings of [keyed, { integrity: { key: "another key of 16 bytes" } }]) {
      await expect(open(settings).getTuple(threadConfig("t"))).rejects.toMatchObject({
        code: "INTEGRITY_KEY",
      });
      // As a parent, it is read from memory by a saver that may.
      const child = makeCheckpoint({ list: ["y"] }, { versions: { list: 9 } });
      await expect(
        open(settings).put(latest!.config, child, makeMetadata(), { list: 9 }),
      ).rejects.toMatchObject({ code: "INTEGRITY_KEY" });
    }
  });

  it("is shared by savers whose keys are the same, as text or as bytes", async () => {
    const { open } = useProcess();
    await serveRequest(open(keyed), "t");
    const bytes = { integrity: { key: new TextEncoder().encode(keyed.integrity.key) } };
    const commands = await database.recordCommands(() => open(bytes).getTuple(threadConfig("t")));
    expect(commands).toEqual(["aggregate"]);
  });

  it("is shared by savers with the same serializer, and by no others", async () => {
    const { open } = useProcess();
    const serde = new JsonPlusSerializer();
    await serveRequest(open({}, serde), "t");
    const read = (other: SerializerProtocol) =>
      database.recordCommands(() => open({}, other).getTuple(threadConfig("t")));
    expect(await read(serde)).toEqual(["aggregate"]);
    expect(await read(new JsonPlusSerializer())).toEqual(["aggregate", "find"]);
  });

  it.each<[string, MongoDBSaverSettings]>([
    ["database", { dbName: temporaryDatabase(database.client).name }],
    ["collection prefix", { collectionPrefix: "other_" }],
  ])("is not shared with a saver of another %s", async (_what, settings) => {
    const { open, client } = useProcess();
    onTestFinished(async () => {
      if (settings.dbName !== undefined) await client.db(settings.dbName).dropDatabase();
    });
    const config = threadConfig("t");
    await putCheckpoint(open(), config, makeCheckpoint({ a: "one ".repeat(200) }, { id: "1" }));
    const other = open(settings);
    expect(await other.getTuple(config)).toBeUndefined();
    const checkpoint = makeCheckpoint({ a: "two ".repeat(200) }, { id: "1" });
    await putCheckpoint(other, config, checkpoint);
    expect((await open(settings).getTuple(config))?.checkpoint).toEqual(checkpoint);
    expect((await other.verifyThread("t")).damages).toEqual([]);
    const mine = await open().getTuple(config);
    expect(mine?.checkpoint.channel_values).toEqual({ a: "one ".repeat(200) });
  });

  it("is not shared with a saver that has another cacheMaxBytes", async () => {
    const { open } = useProcess();
    await serveRequest(open(), "t");
    const other = open({ cacheMaxBytes: 1_000_000 });
    const commands = await database.recordCommands(() => other.getTuple(threadConfig("t")));
    expect(commands).toEqual(["aggregate", "find"]);
  });

  it("takes no more than the bound, however many databases and serializers there are", async () => {
    const { open, client, dbName } = useProcess();
    const cacheMaxBytes = 100_000;
    const names = Array.from({ length: 4 }, (_, n) => `${dbName}_${n}`);
    onTestFinished(async () => {
      for (const name of names) await client.db(name).dropDatabase();
    });
    for (const name of names) {
      for (let n = 0; n < 5; n += 1) {
        const saver = open({ dbName: name, cacheMaxBytes }, new JsonPlusSerializer());
        const list = ["z".repeat(30_000 + n)];
        await putCheckpoint(saver, threadConfig(`${n}`), makeCheckpoint({ list }));
      }
    }
    const { bytes, maxBytes } = open({ cacheMaxBytes }).cacheStats;
    expect(maxBytes).toBe(cacheMaxBytes);
    expect(bytes).toBeGreaterThan(30_000);
    expect(bytes).toBeLessThanOrEqual(cacheMaxBytes);
  });
});
