import type { RunnableConfig } from "@langchain/core/runnables";
import { MongoDBSaver as OfficialSaver } from "@langchain/langgraph-checkpoint-mongodb";
import { MongoDBSaver, type MongoDBSaverOptions } from "@threadkeep/checkpoint-mongo";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint } from "../make-checkpoint.ts";
import { useDatabase } from "../use-database.ts";

const database = useDatabase();

/** As applications read what the official class leaves open to its subclasses. */
class OpenSaver extends MongoDBSaver {
  get surface(): Record<string, unknown> {
    return {
      client: this.client,
      database: this.db.databaseName,
      checkpoints: this.checkpointCollectionName,
      writes: this.checkpointWritesCollectionName,
      enableTimestamps: this.enableTimestamps,
      ttl: this.ttl,
    };
  }

  /** A query of an application's own, beside the saver's. */
  async countMarks(name: string): Promise<number> {
    await this.db.collection<{ _id: string }>("application_marks").insertOne({ _id: name });
    return this.db.collection("application_marks").countDocuments({});
  }

  /** The application's other collections are reached by the client. */
  pingOf(): Promise<unknown> {
    return this.client.db("admin").command({ ping: 1 });
  }
}

class OpenOfficialSaver extends OfficialSaver {
  get surface(): Record<string, unknown> {
    return {
      client: this.client,
      database: this.db.databaseName,
      checkpoints: this.checkpointCollectionName,
      writes: this.checkpointWritesCollectionName,
      enableTimestamps: this.enableTimestamps,
      ttl: this.ttl,
    };
  }
}

/** Options that both classes have. */
const OPTIONS: Omit<MongoDBSaverOptions, "client">[] = [
  {},
  { checkpointCollectionName: "c", checkpointWritesCollectionName: "w" },
  { enableTimestamps: true },
  { ttl: 3_600 },
  { ttl: 3_600, enableTimestamps: false },
  { checkpointCollectionName: undefined, ttl: undefined, enableTimestamps: undefined },
];

type OfficialOptions = ConstructorParameters<typeof OfficialSaver>[0];

describe("a subclass that was written for the official class", () => {
  it.each(OPTIONS)("finds the same surface, with the options %o", (options) => {
    const all = { ...options, client: database.client, dbName: database.name };
    const official = new OpenOfficialSaver(all as unknown as OfficialOptions);
    expect(new OpenSaver(all).surface).toEqual(official.surface);
  });

  it("works on the saver's client and database", async () => {
    const saver = new OpenSaver({ client: database.client, dbName: database.name });
    expect(await saver.countMarks("one")).toBe(1);
    expect(await database.db.collection("application_marks").countDocuments({})).toBe(1);
    expect(await saver.pingOf()).toMatchObject({ ok: 1 });
  });

  it("has the database of the connection string where none is named", () => {
    const saver = new OpenSaver({ client: database.client });
    const { surface } = new OpenOfficialSaver({
      client: database.client,
    } as unknown as OfficialOptions);
    expect(saver.surface["database"]).toBe(surface["database"]);
  });

  it("may set up, and looks through the errors of it", async () => {
    const saver = new OpenSaver({ client: database.client, dbName: database.name, ttl: 3_600 });
    const errors: readonly Error[] = await saver.setup();
    expect(errors).toEqual([]);
    const again: readonly Error[] = await saver.setup();
    expect(again).toHaveLength(0);
  });

  it("takes a serializer as its second argument", async () => {
    const serde = new MongoDBSaver({ client: database.client }).serde;
    const saver = new OpenSaver({ client: database.client, dbName: database.name }, serde);
    expect(saver.serde).toBe(serde);
    const config: RunnableConfig = { configurable: { thread_id: "serde" } };
    await putCheckpoint(saver, config, makeCheckpoint({ a: [1] }));
    expect((await saver.getTuple(config))?.checkpoint.channel_values).toEqual({ a: [1] });
  });

  it("has LangGraph's serializer where none is given, and it writes what the official one wrote", async () => {
    const official = new OfficialSaver({
      client: database.client,
      dbName: database.name,
    } as unknown as OfficialOptions);
    const saver = new OpenSaver({ client: database.client, dbName: database.name });
    for (const value of [{ a: [1, null, "x"] }, new Map([[1, 2]]), Uint8Array.of(1, 2)]) {
      const [type, bytes] = await official.serde.dumpsTyped(value);
      expect(await saver.serde.dumpsTyped(value)).toEqual([type, bytes]);
      expect(await saver.serde.loadsTyped(type, bytes)).toEqual(value);
    }
  });
});

describe("a program that was written for the official package's saver", () => {
  /** What it does, in so many words of the official package's documentation. */
  async function run(saver: MongoDBSaver | OfficialSaver, threadId: string): Promise<unknown> {
    const thread = { configurable: { thread_id: threadId } };
    const metadata = { source: "update", step: -1, parents: {} } as const;
    const first = makeCheckpoint({ someKey1: "someValue1" }, { id: "2024-04-19T17:19:07.952Z" });
    const second = makeCheckpoint({ someKey1: "someValue2" }, { id: "2024-04-20T17:19:07.952Z" });
    // Channels that have a value have no version, and the other way round.
    first.channel_versions = { someKey2: 1 };
    second.channel_versions = { someKey2: 2 };
    const put = (saver as OfficialSaver).put.bind(saver as OfficialSaver);
    const nothing = await saver.getTuple(thread);
    const config = await put(thread, first, metadata);
    await saver.putWrites(config, [["bar", "baz"]], "foo");
    const found = await saver.getTuple(thread);
    const parent = { configurable: { ...thread.configurable, checkpoint_id: "2024-04-18" } };
    await put(parent, second, metadata);
    const listed = await Array.fromAsync(saver.list(thread));
    const filtered = await Array.fromAsync(saver.list(thread, { filter: { source: "input" } }));
    const before = await Array.fromAsync(
      saver.list(thread, { before: listed[0]!.config, limit: 1 }),
    );
    await saver.deleteThread(threadId);
    return { nothing, config, found, listed, filtered, before, gone: await saver.getTuple(thread) };
  }

  it("does the same with this one", async () => {
    const all = { client: database.client, dbName: `${database.name}_program` };
    try {
      const official = new OfficialSaver(all as unknown as OfficialOptions);
      const expected = await run(official, "program");
      const saver = new MongoDBSaver(all);
      expect(await run(saver, "program")).toEqual(expected);
    } finally {
      await database.client.db(all.dbName).dropDatabase();
    }
  });

  it("finds nothing by a filter with a query operator: it is compared as a value", async () => {
    const saver = database.openSaver();
    const config = { configurable: { thread_id: "injection" } };
    await saver.put(config, makeCheckpoint({ a: 1 }), makeMetadata({ user: "u" }), { a: 1 });
    for (const filter of [{ user: { $ne: null } }, { user: { $regex: ".*" } }, { $where: "1" }]) {
      expect(await Array.fromAsync(saver.list(config, { filter }))).toEqual([]);
    }
  });
});
