import type { RunnableConfig } from "@langchain/core/runnables";
import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import { afterAll, describe, expect, it } from "vitest";
import { CommandProxy } from "../network/command-proxy.ts";
import { BeforeCommand } from "./before-command.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { setExpiry } from "./thread-expiry.ts";
import { COLLECTION, useDatabase } from "./use-database.ts";

const database = useDatabase();
const other = database.openSaverElsewhere();
const afterwards = database.openSaver();
const reader = database.openSaver();

const beforeCommand = new BeforeCommand();
const proxy = await CommandProxy.start(database.uri, beforeCommand.handle);
const client = new MongoClient(proxy.uri);
afterAll(async () => {
  await client.close();
  await proxy[Symbol.asyncDispose]();
});

const LIST = ["x".repeat(500), "y".repeat(500)];

/** How a thread ends. */
const ENDINGS: Readonly<Record<string, (threadId: string) => Promise<unknown>>> = {
  "was deleted": (threadId) => other.deleteThread(threadId),
  "was deleted and started over": async (threadId) => {
    await other.deleteThread(threadId);
    await putCheckpoint(other, threadConfig(threadId), makeCheckpoint({ list: ["z".repeat(500)] }));
  },
  "expired, of which the server removed segments first": (threadId) =>
    expire(threadId, ["segment"]),
  "expired, of which the server removed the latest checkpoint first": (threadId) =>
    expire(threadId, ["checkpoint"]),
};

type Operation = (saver: MongoDBSaver, config: RunnableConfig) => Promise<unknown>;

/** What is done with a thread that has two checkpoints, and pending writes of the second. */
const READS: Readonly<Record<string, Operation>> = {
  "getTuple of the latest": (saver, config) => saver.getTuple(withoutId(config)),
  "getTuple by id": (saver, config) => saver.getTuple(config),
  list: (saver, config) => Array.fromAsync(saver.list(withoutId(config), { limit: 10 })),
  getDeltaChannelHistory: (saver, config) =>
    saver.getDeltaChannelHistory({ config, channels: ["list", "other"] }),
  verifyThread: async (saver, config) => {
    const { damages } = await saver.verifyThread(config.configurable!["thread_id"] as string);
    expect(damages).toEqual([]);
  },
};

const WRITES: Readonly<Record<string, Operation>> = {
  "put of a child": (saver, config) => {
    const list = [...LIST, "more ".repeat(100)];
    return putCheckpoint(saver, config, makeCheckpoint({ list }, { versions: { list: 3 } }));
  },
  putWrites: (saver, config) => saver.putWrites(config, [["list", ["w".repeat(500)]]], "late"),
};

const CASES: Readonly<
  Record<
    string,
    { settings: MongoDBSaverSettings; operations: typeof READS; endings: typeof ENDINGS }
  >
> = {
  "a saver": { settings: {}, operations: { ...READS, ...WRITES }, endings: ENDINGS },
  "a saver that falls back": {
    settings: { onCorruption: "fall-back", onEvent: fail },
    operations: READS,
    endings: ENDINGS,
  },
  "a saver that reads back what it stores": {
    settings: { verifyAfterSave: true },
    operations: WRITES,
    endings: ENDINGS,
  },
  "a saver, where the record was deleted too,": {
    settings: {},
    operations: READS,
    // A record outlives its thread by a day, but a server may be late with the rest.
    endings: {
      "expired, of which the server removed segments first": (threadId) =>
        expire(threadId, ["thread", "segment"]),
    },
  },
};

function fail(event: unknown): void {
  throw new Error(`Reported ${JSON.stringify(event)}`);
}

describe.each(Object.entries(CASES))("%s", (kind, { settings, operations, endings }) => {
  // It has to read everything again.
  const saver = new MongoDBSaver({ dbName: database.name, cacheMaxBytes: 1, ...settings, client });

  describe.each(Object.entries(endings))(
    "does not report damage for a thread that %s",
    (end, ending) => {
      it.each(Object.entries(operations))("before any command of %s", async (name, operation) => {
        let commands = 0;
        for (let isDue = true; isDue; commands += 1) {
          const threadId = `${kind}: ${name}, ${end}, before ${commands}`;
          const config = await fill(threadId);
          isDue = await beforeCommand.during(
            commands + 1,
            () => ending(threadId),
            () => operation(saver, config),
          );
          await expectUsable(threadId);
        }
        // It did send commands, and came to an end.
        expect(commands).toBeGreaterThan(1);
      });
    },
  );
});

/** What comes after finds a thread that is whole. */
async function expectUsable(threadId: string): Promise<void> {
  const before = await afterwards.getTuple(threadConfig(threadId));
  const checkpoint = makeCheckpoint({ list: ["after ".repeat(100)] });
  await putCheckpoint(afterwards, before?.config ?? threadConfig(threadId), checkpoint);
  expect((await reader.getTuple(threadConfig(threadId)))?.checkpoint).toEqual(checkpoint);
  expect((await reader.verifyThread(threadId)).damages).toEqual([]);
}

async function fill(threadId: string): Promise<RunnableConfig> {
  const root = makeCheckpoint({ list: LIST.slice(0, 1), a: ["a".repeat(500)] });
  const parent = await putCheckpoint(other, threadConfig(threadId), root);
  const checkpoint = makeCheckpoint(
    { list: LIST, a: ["a".repeat(500)] },
    { versions: { list: 2 } },
  );
  const config = await putCheckpoint(other, parent, checkpoint);
  await other.putWrites(config, [["list", ["w".repeat(500)]]], "task");
  return config;
}

/** Lets a thread expire, and removes some of it, as the server does with all of it in any order. */
async function expire(threadId: string, removed: readonly string[]): Promise<void> {
  await setExpiry(database, threadId, new Date(Date.now() - 1));
  const collection = database.db.collection(COLLECTION);
  for (const kind of removed) {
    const place = kind === "checkpoint" ? { head: true } : {};
    await collection.deleteMany({ thread_id: threadId, kind, ...place });
  }
}

function withoutId(config: RunnableConfig): RunnableConfig {
  return threadConfig(config.configurable!["thread_id"] as string);
}
