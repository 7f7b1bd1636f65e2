import {
  MongoDBCache,
  MongoDBSaver,
  MongoDBStore,
  SetupError,
  StorageRefusedError,
} from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { RestartableServer } from "../server-restart/restartable-server.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { COLLECTION } from "./use-database.ts";

const DB = "agents";

/** The privileges of the README, under Database user. */
const WORK = ["find", "insert", "update", "remove"];
const SET_UP = ["createIndex", "listIndexes", "collMod"];

/** Users, and what they may do with the collections of this package. */
const USERS: Readonly<Record<string, readonly string[]>> = {
  "all-rights": [...WORK, ...SET_UP],
  "no-setup": [...WORK, "listIndexes"],
  "read-only": ["find", "listIndexes"],
};

let server: RestartableServer;

beforeAll(async () => {
  server = await RestartableServer.start();
  const client = new MongoClient(server.uri);
  const admin = client.db("admin");
  for (const [user, actions] of Object.entries(USERS)) {
    const privileges = [
      COLLECTION,
      "threadkeep_cache",
      "store",
      "checkpoints",
      "checkpoint_writes",
    ].map((collection) => ({ resource: { db: DB, collection }, actions }));
    await admin.command({ createRole: user, privileges, roles: [] });
    await admin.command({ createUser: user, pwd: "password", roles: [user] });
  }
  await client.close();
  await server.kill();
  await server.restart({ checksUsers: true });
});

afterAll(() => server.remove());

function connectAs(user: string, password = "password"): MongoClient {
  const { host } = new URL(server.uri);
  const client = new MongoClient(`mongodb://${user}:${password}@${host}/?authSource=admin`);
  onTestFinished(() => client.close());
  return client;
}

async function expectEverything(client: MongoClient, threadId: string): Promise<void> {
  const saver = new MongoDBSaver({ client, dbName: DB });
  const config = await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint({ a: 1 }));
  await saver.putWrites(config, [["a", 2]], "task");
  expect((await saver.getTuple(config))?.pendingWrites).toEqual([["task", "a", 2]]);
  expect(await Array.fromAsync(saver.list(threadConfig(threadId)))).toHaveLength(1);
  expect((await saver.verifyThread(threadId)).damages).toEqual([]);
  await saver.sweep({ threadId });
  const store = new MongoDBStore({ client, dbName: DB });
  await store.put(["a"], "key", { b: 1 });
  expect((await store.search(["a"]))[0]?.value).toEqual({ b: 1 });
  await store.delete(["a"], "key");
  const cache = new MongoDBCache({ client, dbName: DB });
  await cache.set([{ key: [["a"], "key"], value: 1 }]);
  expect(await cache.get([[["a"], "key"]])).toHaveLength(1);
  await cache.clear();
}

it("without the right to create indexes, learns which are missing and what to do", async () => {
  const client = connectAs("no-setup");
  const error: unknown = await new MongoDBSaver({ client, dbName: DB })
    .setup()
    .catch((thrown: unknown) => thrown);
  expect(SetupError.isInstance(error)).toBe(true);
  for (const part of [
    "address, order, head, segment, writes, labels, fence, place, status, created, metadata, moving, run, config, expiry",
    `"actions":["createIndex","listIndexes"]`,
    `db.getSiblingDB("agents").runCommand({"createIndexes":"threadkeep_threads"`,
  ]) {
    expect((error as SetupError).message).toContain(part);
  }
});

it("with the rights of the README can do everything", async () => {
  await expectEverything(connectAs("all-rights"), "all rights");
});

it("without the right to create indexes, can do everything after they exist", async () => {
  await expectEverything(connectAs("no-setup"), "no setup");
});

it("with the right to read only, reads, and learns what it lacks when it writes", async () => {
  const writer = new MongoDBSaver({ client: connectAs("all-rights"), dbName: DB });
  const config = await putCheckpoint(writer, threadConfig("read"), makeCheckpoint({ a: 1 }));
  const reader = new MongoDBSaver({ client: connectAs("read-only"), dbName: DB });
  expect((await reader.getTuple(threadConfig("read")))?.config).toEqual(config);
  expect(await Array.fromAsync(reader.list(threadConfig("read")))).toHaveLength(1);
  expect((await reader.verifyThread("read")).damages).toEqual([]);
  for (const write of [
    () => putCheckpoint(reader, config, makeCheckpoint({ a: 2 })),
    () => reader.putWrites(config, [["a", 1]], "task"),
    () => reader.deleteThread("read"),
  ]) {
    const error: unknown = await write().catch((thrown: unknown) => thrown);
    expect(StorageRefusedError.isInstance(error)).toBe(true);
    expect((error as Error).message).toContain("privileges");
  }
  expect((await writer.verifyThread("read")).damages).toEqual([]);
});

it("with a wrong password, learns that, and nothing about privileges or the password", async () => {
  const saver = new MongoDBSaver({ client: connectAs("all-rights", "wrong-secret"), dbName: DB });
  const error: unknown = await saver.setup().catch((thrown: unknown) => thrown);
  expect(StorageRefusedError.isInstance(error)).toBe(true);
  expect((error as Error).message).toContain("password of the database user");
  expect((error as Error).message).not.toContain("wrong-secret");
});
