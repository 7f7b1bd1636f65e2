/**
 * What a process does that uses both builds of the saver with one client: some of its code imports the
 * package, and other code requires it. Prints what the builds know of each other.
 */
import {
  JsonPlusSerializer,
  uuid6,
  type SerializerProtocol,
} from "@langchain/langgraph-checkpoint";
import * as imported from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

const required = createRequire(import.meta.url)("@threadkeep/checkpoint-mongo") as typeof imported;
const [uri, dbName] = process.argv.slice(2);
const client = new MongoClient(uri!);
const db = client.db(dbName);
const metadata = { source: "loop", step: 0, parents: {} } as const;

function makeCheckpoint(list: readonly string[]) {
  return {
    v: 4,
    id: uuid6(list.length),
    ts: "2026-01-01T00:00:00.000Z",
    channel_values: { list },
    channel_versions: { list: list.length },
    versions_seen: {},
  };
}

function nameThread(threadId: string) {
  return { configurable: { thread_id: threadId, checkpoint_ns: "" } };
}

/** One build is storing pending writes while the other puts a child of their checkpoint. */
async function putChildDuringWrites() {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const json = new JsonPlusSerializer();
  const slow: SerializerProtocol = {
    dumpsTyped: async (value) => {
      if (value === "slow") await released;
      return json.dumpsTyped(value);
    },
    loadsTyped: (type, value) => json.loadsTyped(type, value) as Promise<unknown>,
  };
  const writer = new imported.MongoDBSaver({ client, dbName }, slow);
  const putter = new required.MongoDBSaver({ client, dbName }, slow);
  const parent = await putter.put(nameThread("writes"), makeCheckpoint(["a"]), metadata, {
    list: 1,
  });
  const writes = writer.putWrites(parent, [["list", "slow"]], "task");
  const child = makeCheckpoint(["a", "b"]);
  const put = putter.put(parent, child, metadata, { list: 2 });
  await sleep(300);
  const isChildEarly = (await putter.getTuple(nameThread("writes")))?.checkpoint.id === child.id;
  release();
  await Promise.all([writes, put]);
  const writesOfParent = (await putter.getTuple(parent))?.pendingWrites?.length;
  return { isChildEarly, writesOfParent };
}

/** One build sets up a dropped database again; the other has its content in memory. */
async function putAfterDrop() {
  const remembering = new imported.MongoDBSaver({ client, dbName });
  const list = Array.from({ length: 9 }, (_, n) => `${n}`.repeat(400));
  const checkpoint = makeCheckpoint(list);
  const parent = await remembering.put(nameThread("drop"), checkpoint, metadata, { list: 9 });
  await db.dropDatabase();
  await new required.MongoDBSaver({ client, dbName }).setup();
  const longer = [...list, "more"];
  const child = await remembering.put(parent, makeCheckpoint(longer), metadata, { list: 10 });
  const { damages } = await remembering.verifyThread("drop");
  const found = await remembering.getTuple(child);
  const stored = found?.checkpoint.channel_values["list"] as readonly string[];
  return { damages: damages.length, length: stored.length };
}

/** With `witness`, one build stores pending writes of a checkpoint that the other puts afterwards. */
async function loseWritesOfOtherBuild() {
  const writer = new imported.MongoDBSaver({ client, dbName, witness: true });
  const putter = new required.MongoDBSaver({ client, dbName, witness: true });
  const checkpoint = makeCheckpoint(["a"]);
  const config = {
    configurable: { ...nameThread("witness").configurable, checkpoint_id: checkpoint.id },
  };
  await writer.putWrites(config, [["list", "b"]], "task");
  await putter.put(nameThread("witness"), checkpoint, metadata, { list: 1 });
  await db.collection("threadkeep_threads").deleteOne({ kind: "writes", thread_id: "witness" });
  const { damages } = await putter.verifyThread("witness");
  return damages.map(({ document }) => document);
}

const outcome = {
  areTwo: imported.MongoDBSaver !== required.MongoDBSaver,
  putChildDuringWrites: await putChildDuringWrites(),
  putAfterDrop: await putAfterDrop(),
  loseWritesOfOtherBuild: await loseWritesOfOtherBuild(),
};
await client.close();
console.log(JSON.stringify(outcome));
