import type { RunnableConfig } from "@langchain/core/runnables";
import { uuid6 } from "@langchain/langgraph-checkpoint";
import {
  CorruptCheckpointError,
  IntegrityKeyError,
  type IntegrityOptions,
  type MongoDBSaver,
  type MongoDBSaverSettings,
  type SaverEvent,
} from "@threadkeep/checkpoint-mongo";
import { Binary, BSON, type Document } from "mongodb";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

const OLD = "the old key, of more than 16 bytes";
const NEW = Buffer.from("the new key, of more than 16 bytes");
const ONLY_OLD: IntegrityOptions = { keys: { old: OLD }, currentKeyId: "old" };
const BOTH: IntegrityOptions = { keys: { old: OLD, new: NEW }, currentKeyId: "new" };
const ONLY_NEW: IntegrityOptions = { keys: { new: NEW }, currentKeyId: "new" };

/** All ways to read a thread. */
const READS: Record<string, (saver: MongoDBSaver, config: RunnableConfig) => Promise<unknown>> = {
  getTuple: (saver, config) => saver.getTuple(config),
  list: (saver, config) => Array.fromAsync(saver.list(config)),
  verifyThread: (saver, config) => saver.verifyThread(config.configurable!["thread_id"] as string),
  getDeltaChannelHistory: (saver, config) =>
    saver.getDeltaChannelHistory({ config, channels: ["items"] }),
  put: (saver, config) => put(saver, config, 9),
};

describe("a thread whose keys the saver has", () => {
  it("can be continued while keys are replaced, and is read by every saver that has both", async () => {
    const config = await fill(open(ONLY_OLD), uuid6(0));
    const next = await put(open(BOTH), config, 3);
    await open(BOTH).putWrites(next, [["items", "of the new key"]], "task");
    for (const integrity of [BOTH, { ...BOTH, currentKeyId: "old" }]) {
      expect(await readItems(open(integrity), next)).toEqual([0, 1, 2, 3]);
      expect((await open(integrity).getTuple(next))?.pendingWrites).toEqual([
        ["task", "items", "of the new key"],
      ]);
      expect(await Array.fromAsync(open(integrity).list(threadOf(next)))).toHaveLength(4);
      expect(await open(integrity).verifyThread(idOf(next))).toMatchObject({ damages: [] });
    }
    expect(await listKeyIds(idOf(next))).toEqual(["old", "old", "old", "new"]);
  });

  it("is read after its only key got an id, or a new id", async () => {
    const config = await fill(open({ key: OLD }), uuid6(0));
    expect(await readItems(open(ONLY_OLD), config)).toEqual([0, 1, 2]);
    const renamed = { keys: { "2026": OLD, "2027": NEW }, currentKeyId: "2027" };
    expect(await readItems(open(renamed), config)).toEqual([0, 1, 2]);
    expect(await open(renamed).verifyThread(idOf(config))).toMatchObject({ damages: [] });
  });

  it("keeps a checkpoint that is put again as it is under the replaced key", async () => {
    const saver = open(ONLY_OLD);
    const first = await put(saver, threadConfig(uuid6(0)), 0);
    await put(saver, first, 1);
    const { checkpoint, metadata } = (await open(BOTH).getTuple(first))!;
    await open(BOTH).put(threadOf(first), checkpoint, metadata, { items: 1 });
    expect(await listKeyIds(idOf(first))).toEqual(["old", "old"]);
    expect(await open(BOTH).verifyThread(idOf(first))).toMatchObject({ damages: [] });
  });

  it("removes or adds the key when a special write or a checkpoint is replaced", async () => {
    const config = await fill(open(ONLY_OLD), uuid6(0));
    await open(ONLY_OLD).putWrites(config, [["__interrupt__", "keyed"]], "task");
    for (const [integrity, reader] of [
      [undefined, { ...BOTH, acceptUnkeyed: true }],
      [BOTH, BOTH],
    ] as const) {
      await open(integrity).putWrites(config, [["__interrupt__", "replaced"]], "task");
      const { writes } = await readDocuments(idOf(config));
      expect(writes.map(({ key_name }) => key_name !== undefined)).toEqual([
        integrity !== undefined,
      ]);
      expect((await open(reader).getTuple(config))?.pendingWrites).toEqual([
        ["task", "__interrupt__", "replaced"],
      ]);
    }
  });
});

describe("a thread whose key the saver does not have", () => {
  const cases: [string, IntegrityOptions | undefined, IntegrityOptions | undefined, object][] = [
    ["the old key was removed", ONLY_OLD, ONLY_NEW, { fault: "unknown-key" }],
    ["the saver has another key", { key: OLD }, { key: NEW }, { fault: "unknown-key" }],
    [
      "the id has another key",
      ONLY_OLD,
      { keys: { old: NEW }, currentKeyId: "old" },
      { fault: "another-key" },
    ],
    ["the key was dropped", ONLY_OLD, undefined, { fault: "no-key" }],
    ["the key was added", undefined, ONLY_NEW, { fault: "unkeyed", keyName: undefined }],
  ];
  describe.each(cases)("because %s", (_case, written, read, expected) => {
    it.each(Object.keys(READS))("is refused by %s for its key, not as damaged", async (name) => {
      const config = await fill(open(written), uuid6(0));
      const before = await database.readAll(idOf(config));
      const events: SaverEvent[] = [];
      const saver = open(read, { onCorruption: "fall-back", onEvent: (one) => events.push(one) });
      const error = await failure(READS[name]!(saver, config));
      expect(IntegrityKeyError.isInstance(error)).toBe(true);
      expect(error).toMatchObject({ code: "INTEGRITY_KEY", ...expected });
      expect(error.message).not.toMatch(/key, of more/);
      expect(error.message).toContain(idOf(config));
      // A read that failed is told of, but nothing was passed over.
      expect(events.filter(({ type }) => type !== "restore-failed")).toEqual([]);
      expect(await database.readAll(idOf(config))).toEqual(before);
    });
  });

  it("is refused with the name of its key and of those that the saver has", async () => {
    const config = await fill(open(ONLY_OLD), uuid6(0));
    const error = (await failure(open(ONLY_NEW).getTuple(config))) as IntegrityKeyError;
    const { keyName, knownKeyNames } = error;
    expect(keyName).toMatch(/^old:/);
    expect(knownKeyNames.join()).toMatch(/^new:[\w-]{8}$/);
    expect(error.message).toContain(`the key ${keyName}, and this saver has ${knownKeyNames[0]}`);
  });

  it("is refused if only its pending writes have such a key", async () => {
    const config = await fill(open(BOTH), uuid6(0));
    await open({ ...BOTH, currentKeyId: "old" }).putWrites(config, [["items", 1]], "task");
    const error = await failure(open(ONLY_NEW).getTuple(config));
    expect(error).toMatchObject({ code: "INTEGRITY_KEY" });
    expect(error.message).toContain("the pending writes of task task");
    expect(await failure(open(ONLY_NEW).verifyThread(idOf(config)))).toMatchObject({
      code: "INTEGRITY_KEY",
    });
  });
});

describe("acceptUnkeyed", () => {
  it("reads documents without a key, and hashes new ones with the key", async () => {
    const config = await fill(open(undefined), uuid6(0));
    const saver = open({ ...ONLY_NEW, acceptUnkeyed: true });
    const next = await put(saver, config, 3);
    expect(await readItems(open({ ...ONLY_NEW, acceptUnkeyed: true }), next)).toEqual([0, 1, 2, 3]);
    expect(await saver.verifyThread(idOf(next))).toMatchObject({ damages: [] });
    // Nothing of before is needed for the newest one any more.
    expect(await readItems(open(ONLY_NEW), next)).toEqual([0, 1, 2, 3]);
    expect(await failure(open(ONLY_NEW).getTuple(config))).toMatchObject({ fault: "unkeyed" });
  });

  it("still finds damage in documents without a key", async () => {
    const config = await fill(open(undefined), uuid6(0));
    await changeLatest(config, () => ({ hash: new Binary(Buffer.alloc(32)) }));
    const saver = open({ ...ONLY_NEW, acceptUnkeyed: true });
    expect(await failure(saver.getTuple(config))).toBeInstanceOf(CorruptCheckpointError);
  });
});

describe("somebody who can write to the database but has no key", () => {
  it("cannot pass a document off as one that was stored without a key", async () => {
    const config = await fill(open(ONLY_NEW), uuid6(0));
    await forge(config, undefined);
    expect(await failure(open(ONLY_NEW).getTuple(threadOf(config)))).toMatchObject({
      fault: "unkeyed",
    });
  });

  it("cannot remove the key's name from a document and keep its hash", async () => {
    const config = await fill(open(ONLY_NEW), uuid6(0));
    await changeLatest(config, () => ({ key_name: undefined }));
    const saver = open({ ...ONLY_NEW, acceptUnkeyed: true });
    expect(await failure(saver.getTuple(config))).toBeInstanceOf(CorruptCheckpointError);
  });

  it("cannot hash a document with a key of his own and give it the name of the saver's", async () => {
    const config = await fill(open(ONLY_NEW), uuid6(0));
    const [name] = await listKeyNames(idOf(config));
    await forge(config, { key: OLD }, { key_name: name });
    expect(await failure(open(ONLY_NEW).getTuple(threadOf(config)))).toBeInstanceOf(
      CorruptCheckpointError,
    );
  });

  it("cannot pass a document of one key off as one of another key of the saver", async () => {
    const config = await fill(open({ ...BOTH, currentKeyId: "old" }), uuid6(0));
    const other = await fill(open(BOTH), uuid6(0));
    const [name] = await listKeyNames(idOf(other));
    await changeLatest(config, () => ({ key_name: name }));
    expect(await failure(open(BOTH).getTuple(config))).toBeInstanceOf(CorruptCheckpointError);
  });

  it.each([null, 1, "", "a name that is none", { $gt: "" }, "x".repeat(100_000)])(
    "cannot use an invalid key name unnoticed: %j",
    async (key_name) => {
      const config = await fill(open(ONLY_NEW), uuid6(0));
      await open(ONLY_NEW).putWrites(config, [["items", 1]], "task");
      const writes = database.documents("writes");
      await writes.updateMany({ thread_id: idOf(config) }, { $set: { key_name } });
      expect(await failure(open(ONLY_NEW).getTuple(config))).toMatchObject({
        corruption: { document: "write" },
      });
      await changeLatest(config, () => ({ key_name }));
      for (const integrity of [ONLY_NEW, undefined]) {
        const error = await failure(open(integrity).getTuple(config));
        expect(error).toMatchObject({ corruption: { document: "checkpoint" } });
        expect(error.message.length).toBeLessThan(1_000);
      }
    },
  );
});

it("a document is at most 64 bytes larger with a key", async () => {
  const sizes: number[] = [];
  for (const integrity of [
    undefined,
    { keys: { ["k".repeat(32)]: OLD }, currentKeyId: "k".repeat(32) },
  ]) {
    const config = await fill(open(integrity), uuid6(0));
    const latest = { thread_id: idOf(config), head: true };
    sizes.push(BSON.calculateObjectSize((await database.documents("checkpoint").findOne(latest))!));
  }
  expect(sizes[1]! - sizes[0]!).toBeLessThanOrEqual(64);
});

function open(
  integrity: IntegrityOptions | undefined,
  settings: MongoDBSaverSettings = {},
): MongoDBSaver {
  return database.openSaver({ ...settings, integrity });
}

function idOf(config: RunnableConfig): string {
  return config.configurable!["thread_id"] as string;
}

function threadOf(config: RunnableConfig): RunnableConfig {
  return threadConfig(idOf(config));
}

/** Puts a thread of a forger's in place of one, with everything that hangs together in it. */
async function forge(
  config: RunnableConfig,
  integrity: IntegrityOptions | undefined,
  change: Document = {},
): Promise<void> {
  await fill(open(integrity, { collectionPrefix: "forged_" }), idOf(config));
  const forged = database.db.collection("forged_threads");
  const documents = await forged.find({ thread_id: idOf(config) }).toArray();
  const real = database.db.collection("threadkeep_threads");
  await real.deleteMany({ thread_id: idOf(config) });
  for (const document of documents) {
    if ("key_name" in document) Object.assign(document, change);
  }
  await real.insertMany(documents);
}

/** Three checkpoints, each with an item more. */
async function fill(saver: MongoDBSaver, threadId: string): Promise<RunnableConfig> {
  let config = await put(saver, threadConfig(threadId), 0);
  for (const step of [1, 2]) config = await put(saver, config, step);
  return config;
}

async function put(
  saver: MongoDBSaver,
  config: RunnableConfig,
  step: number,
): Promise<RunnableConfig> {
  const items = Array.from({ length: step + 1 }, (_, index) => index);
  const checkpoint = makeCheckpoint({ items }, { id: uuid6(step) });
  return saver.put(config, checkpoint, makeMetadata({ step }), { items: step + 1 });
}

async function readItems(saver: MongoDBSaver, config: RunnableConfig): Promise<unknown> {
  return (await saver.getTuple(config))?.checkpoint.channel_values["items"];
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("It did not fail.");
}

async function listKeyNames(threadId: string): Promise<string[]> {
  const { checkpoints } = await readDocuments(threadId);
  return checkpoints.map(({ key_name }) => key_name as string);
}

async function listKeyIds(threadId: string): Promise<string[]> {
  return (await listKeyNames(threadId)).map((name) => name.split(":")[0]!);
}

async function readDocuments(
  threadId: string,
): Promise<{ checkpoints: Document[]; writes: Document[] }> {
  const [checkpoints, writes] = await Promise.all(
    (["checkpoint", "writes"] as const).map((kind) =>
      database.documents(kind).find({ thread_id: threadId }).sort({ seq: 1 }).toArray(),
    ),
  );
  return { checkpoints: checkpoints!, writes: writes! };
}

async function changeLatest(
  config: RunnableConfig,
  change: (document: Document) => Document,
): Promise<void> {
  const checkpoints = database.documents("checkpoint");
  const document = (await checkpoints.findOne({ thread_id: idOf(config), head: true }))!;
  const changes = Object.entries(change(document));
  const set = Object.fromEntries(changes.filter(([, value]) => value !== undefined));
  const unset = Object.fromEntries(
    changes.filter(([, value]) => value === undefined).map(([key]) => [key, ""]),
  );
  await checkpoints.updateOne(
    { _id: document._id },
    {
      ...(Object.keys(set).length > 0 && { $set: set }),
      ...(Object.keys(unset).length > 0 && { $unset: unset }),
    },
  );
}
