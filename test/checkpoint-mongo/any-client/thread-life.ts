import type { RunnableConfig } from "@langchain/core/runnables";
import { ERROR, INTERRUPT } from "@langchain/langgraph-checkpoint";
import { MongoDBSaver as OfficialSaver } from "@langchain/langgraph-checkpoint-mongodb";
import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "../make-checkpoint.ts";
import type { Db } from "mongodb";
import type { OpenClient } from "./clients.ts";

const HOUR = 3_600;

/** Text that does not fit into the checkpoint itself, so that segments are stored and read. */
const long = (word: string) => `${word} `.repeat(200);

/** Values of every kind of channel: a list, a map, a text, what is inline, and bytes. */
const VALUES = {
  list: [long("first"), long("second")],
  files: { "a.txt": long("a"), "b.txt": long("b") },
  bytes: Buffer.from([1, 2, 3]),
  moment: new Date(0),
  number: 2 ** 40,
  none: null,
};

/** Ids that are the same each time, so that two lives can be compared. */
const idOf = (number: number) => `00000000-0000-6000-8000-${`${number}`.padStart(12, "0")}`;

/** A thread's whole life in two processes of an application; everything that they read is returned. */
export async function liveThread(
  [one, other]: readonly [OpenClient, OpenClient],
  dbName: string,
): Promise<Record<string, unknown>> {
  const open = ({ client }: OpenClient, settings: MongoDBSaverSettings = {}) =>
    new MongoDBSaver({ client, dbName, ttl: HOUR, enableTimestamps: true, ...settings });
  const writer = open(one);
  const reader = open(other);
  await writer.setup();
  const config = threadConfig("life");

  const root = await putCheckpoint(
    writer,
    config,
    makeCheckpoint(VALUES, { id: idOf(1) }),
    makeMetadata({ user: "u", tags: ["x"], nested: { deep: true }, big: 2 ** 40 }),
  );
  await writer.putWrites(
    root,
    [
      ["list", [long("pending")]],
      ["number", 7],
    ],
    "task",
  );
  await writer.putWrites(root, [[INTERRUPT, { value: "sure?" }]], "asking");
  await writer.putWrites(root, [[INTERRUPT, { value: "really?" }]], "asking");
  await writer.putWrites(root, [[ERROR, new TypeError("failed")]], "failing");
  const child = await putCheckpoint(
    writer,
    root,
    makeCheckpoint(
      { ...VALUES, list: [...VALUES.list, long("third")] },
      { id: idOf(2), versions: { list: 2 } },
    ),
  );
  const delta = await putCheckpoint(
    writer,
    child,
    makeCheckpoint({ files: VALUES.files }, { id: idOf(3) }),
  );
  await writer.putWrites(delta, [["list", "delta"]], "delta task");
  await putCheckpoint(writer, delta, makeCheckpoint({}, { id: idOf(4) }));
  const fork = await putCheckpoint(
    reader,
    root,
    makeCheckpoint({ ...VALUES, list: ["fork"] }, { id: idOf(5), versions: { list: 2 } }),
  );
  const inner = threadConfig("life", { namespace: "sub:1" });
  await putCheckpoint(reader, inner, makeCheckpoint({ inner: [1] }, { id: idOf(6) }));

  return {
    ...(await readAll("read by the writer", writer, { config, root, child, delta, fork, inner })),
    ...(await readAll("read elsewhere", reader, { config, root, child, delta, fork, inner })),
    ...(await readAll("read by a new process", open(other), { config, root, inner })),
    ...(await continueOfficial(writer, reader)),
    ...(await meetOthers(writer, reader)),
    ...(await changeExpiry(open, one, other)),
    ...(await deleteAndBeginAnew(writer, reader)),
  };
}

async function readAll(
  name: string,
  saver: MongoDBSaver,
  configs: Record<string, RunnableConfig>,
): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const [key, config] of Object.entries(configs)) found[key] = await saver.getTuple(config);
  const config = threadConfig("life");
  const head = threadConfig("life", { checkpointId: idOf(4) });
  const before = threadConfig("life", { checkpointId: idOf(5) });
  const { damages, checkpoints } = await saver.verifyThread("life");
  return {
    [name]: {
      found,
      listed: await Array.fromAsync(saver.list({ configurable: { thread_id: "life" } })),
      limited: await Array.fromAsync(saver.list(config, { limit: 2, before })),
      filtered: await Array.fromAsync(saver.list(config, { filter: { user: "u", tags: ["x"] } })),
      byBigNumber: await Array.fromAsync(saver.list(config, { filter: { big: 2 ** 40 } })),
      history: await saver.getDeltaChannelHistory({ config: head, channels: ["list", "files"] }),
      damages,
      checkpoints,
      swept: await saver.sweep({ threadId: "life" }),
    },
  };
}

/** What the official saver stored of a thread, before the application changed to this one. */
export async function storeOfficial(db: Db): Promise<void> {
  type OfficialClient = ConstructorParameters<typeof OfficialSaver>[0]["client"];
  // It brings another version of the driver, whose types differ.
  const client = db.client as unknown as OfficialClient;
  const official = new OfficialSaver({ client, dbName: db.databaseName });
  const config = await official.put(
    threadConfig("official"),
    makeCheckpoint({ list: VALUES.list }, { id: idOf(50) }),
    makeMetadata({ user: "official" }),
  );
  await official.putWrites(config, [["list", "pending"]], "task");
}

/** A thread of the official saver continues, and is deleted with all that was before. */
async function continueOfficial(
  writer: MongoDBSaver,
  reader: MongoDBSaver,
): Promise<Record<string, unknown>> {
  const config = threadConfig("official");
  const found = await writer.getTuple(config);
  const filter = { user: "official" };
  const filtered = await Array.fromAsync(reader.list(config, { filter }));
  await putCheckpoint(
    writer,
    threadConfig("official", { checkpointId: idOf(50) }),
    makeCheckpoint({ list: [...VALUES.list, "on"] }, { id: idOf(51), versions: { list: 2 } }),
  );
  const listed = await Array.fromAsync(reader.list(config));
  await reader.deleteThread("official");
  const left = await Array.fromAsync(writer.list(config));
  return { official: { found, filtered, listed, left } };
}

/** Both processes put children of the same checkpoint, and write for the same task, at once. */
async function meetOthers(
  writer: MongoDBSaver,
  reader: MongoDBSaver,
): Promise<Record<string, unknown>> {
  const root = await putCheckpoint(
    writer,
    threadConfig("contended"),
    makeCheckpoint({ list: VALUES.list }, { id: idOf(100) }),
  );
  await reader.getTuple(root);
  const numbers = Array.from({ length: 8 }, (_, index) => index);
  await Promise.all(
    numbers.map(async (number) => {
      const saver = number % 2 === 0 ? writer : reader;
      const list = [...VALUES.list, long(`${number}`)];
      const checkpoint = makeCheckpoint(
        { list },
        { id: idOf(101 + number), versions: { list: 2 } },
      );
      await putCheckpoint(saver, root, checkpoint);
      await saver.putWrites(root, [["list", number]], `task ${number}`);
    }),
  );
  const listed = await Array.fromAsync(reader.list(threadConfig("contended")));
  const byId = listed.toSorted((a, b) => (a.checkpoint.id < b.checkpoint.id ? -1 : 1));
  const { damages } = await writer.verifyThread("contended");
  return { contended: byId, damagesOfContended: damages };
}

/** A process with other settings changes an index, and a thread's expiry. */
async function changeExpiry(
  open: (client: OpenClient, settings?: MongoDBSaverSettings) => MongoDBSaver,
  one: OpenClient,
  other: OpenClient,
): Promise<Record<string, unknown>> {
  const before = open(one, { ttlGraceSeconds: 60 });
  await before.setup();
  const config = await putCheckpoint(
    before,
    threadConfig("expiring"),
    makeCheckpoint({ list: VALUES.list }, { id: idOf(200) }),
  );
  const after = open(other, { ttlGraceSeconds: 120, ttl: 10 * HOUR });
  await after.setup();
  await putCheckpoint(
    after,
    config,
    makeCheckpoint({ list: [...VALUES.list, "after"] }, { id: idOf(201), versions: { list: 2 } }),
  );
  // Back again, as a deployment that is rolled back.
  const again = open(one, { ttlGraceSeconds: 60 });
  await again.setup();
  await before.putWrites(config, [["list", "late"]], "task");
  const { damages } = await again.verifyThread("expiring");
  const expiring = await Array.fromAsync(again.list(threadConfig("expiring")));
  return { expiring, damagesOfExpiring: damages };
}

/** What one process deletes is gone for the other, and the thread starts over. */
async function deleteAndBeginAnew(
  writer: MongoDBSaver,
  reader: MongoDBSaver,
): Promise<Record<string, unknown>> {
  const config = threadConfig("life");
  await reader.deleteThread("life");
  const gone = await writer.getTuple(config);
  const left = await Array.fromAsync(writer.list({ configurable: { thread_id: "life" } }));
  // The writer still has the thread as it was in memory.
  await reader.deleteThread("life");
  const root = threadConfig("life", { checkpointId: idOf(4) });
  await putCheckpoint(writer, root, makeCheckpoint({ list: VALUES.list }, { id: idOf(300) }));
  await writer.putWrites(threadConfig("life", { checkpointId: idOf(300) }), [["list", 1]], "task");
  return {
    gone,
    left,
    reborn: await reader.getTuple(config),
    listedAfter: await Array.fromAsync(reader.list({ configurable: { thread_id: "life" } })),
    damagesAfter: (await reader.verifyThread("life")).damages,
  };
}
