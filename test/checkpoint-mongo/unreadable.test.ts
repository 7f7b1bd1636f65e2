import type { RunnableConfig } from "@langchain/core/runnables";
import {
  CorruptCheckpointError,
  UnsupportedFormatError,
  type MongoDBSaver,
} from "@threadkeep/checkpoint-mongo";
import { Binary, type Document } from "mongodb";
import { describe, expect, it } from "vitest";
import { Hasher } from "../../packages/checkpoint-mongo/src/integrity/hashes.ts";
import { KeyRing } from "../../packages/checkpoint-mongo/src/keys/key-ring.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const hasher = new Hasher(new KeyRing(undefined));

/** Two checkpoints, with pending writes of one task after the second. */
async function fill(threadId: string): Promise<[RunnableConfig, RunnableConfig]> {
  const saver = database.openSaver();
  const list = Array.from({ length: 3 }, (_, index) => `item ${index} `.repeat(40));
  const first = await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint({ list }));
  const grown = makeCheckpoint({ list: [...list, "x".repeat(300)] }, { versions: { list: 2 } });
  const second = await putCheckpoint(saver, first, grown);
  await saver.putWrites(second, [["list", "pending"]], "task");
  return [first, second];
}

describe("a field with an unexpected value is damage, and the error names document and field", () => {
  const cases: [kind: "checkpoint" | "writes", change: Document, field: string][] = [
    ["checkpoint", { expires_at: null }, "expires_at"],
    ["checkpoint", { expires_at: "soon" }, "expires_at"],
    ["checkpoint", { body: null }, "body"],
    ["checkpoint", { body: "text" }, "body"],
    ["checkpoint", { segments: [] }, "segments"],
    ["checkpoint", { hash: null }, "hash"],
    ["checkpoint", { seq: "2" }, "seq"],
    ["checkpoint", { seq: 1e300 }, "seq"],
    ["checkpoint", { metadata: 7 }, "metadata"],
    ["checkpoint", { metadata_encoded: {} }, "metadata_encoded.type"],
    ["checkpoint", { metadata_encoded: null }, "metadata_encoded"],
    ["checkpoint", { kind: "x" }, "kind"],
    ["checkpoint", { upserted_at: "now" }, "upserted_at"],
    ["writes", { writes: [null] }, "writes.0"],
    ["writes", { writes: null }, "writes"],
    ["writes", { writes: [{}] }, "writes.0.idx"],
    ["writes", { hash: "text" }, "hash"],
    ["writes", { task_id: null }, "task_id"],
    ["writes", { task_path: 7 }, "task_path"],
    ["writes", { idx: 0.5 }, "idx"],
    ["writes", { kind: null }, "kind"],
    ["writes", { expires_at: null }, "expires_at"],
    ["writes", { "writes.0.value": 7 }, "writes.0.value"],
    ["writes", { "writes.0.channel": [] }, "writes.0.channel"],
  ];
  it.each(cases)("%s: %o", async (kind, change, field) => {
    const threadId = `${kind} ${JSON.stringify(change)}`;
    const [first] = await fill(threadId);
    const collection = database.documents(kind);
    const { _id } = (await collection.findOne(
      { thread_id: threadId },
      { sort: { checkpoint_id: -1 } },
    ))!;
    // Not by kind, which may be what changes.
    await database.db.collection("threadkeep_threads").updateOne({ _id }, { $set: change });
    const document = kind === "writes" ? "write" : kind;
    const all = threadConfig(threadId);
    const saver = database.openSaver();
    const damage = { code: "CORRUPT_CHECKPOINT", threadId, corruption: { document, field } };
    await expect(saver.getTuple(all)).rejects.toMatchObject(damage);
    const { damages } = await saver.verifyThread(threadId);
    expect(damages.map((one) => one.field)).toContain(field);
    expect(await readWithFallBack(all)).toEqual(first);
    await saver.sweep({ threadId });
    await saver.deleteThread(threadId);
    expect(await database.openSaver().getTuple(all)).toBeUndefined();
  });
});

describe("content that is intact but does not decode", () => {
  const damaged: [what: string, value: string][] = [
    ["is no JSON", "{"],
    ["is a tag with nothing in it", '{"$":"map"}'],
    ["is an error without its parts", '{"$":"error","v":7}'],
    ["is a URL that is none", '{"$":"url","v":"no url"}'],
  ];
  it.each(damaged)("%s: it is damage, and the error names the place", async (what, value) => {
    const [first, second] = await fill(what);
    await forgeWrite(second, value);
    const error = await readError(database.openSaver(), second);
    expect(error).toBeInstanceOf(CorruptCheckpointError);
    expect(error).toMatchObject({ corruption: { document: "write", expected: "it to decode" } });
    expect((error as Error).cause).toBeInstanceOf(Error);
    expect(await readWithFallBack(threadConfig(what))).toEqual(first);
  });

  it("a pending write of a newer version asks for an upgrade, and there is no fall-back behind it", async () => {
    const [, second] = await fill("newer write");
    await forgeWrite(second, '{"$":"decimal","v":"1.5"}');
    const error = await readError(database.openSaver(), second);
    expect(UnsupportedFormatError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({
      code: "UNSUPPORTED_FORMAT",
      what: 'a value tagged "decimal"',
      where: expect.stringContaining('of thread "newer write"') as string,
      message: expect.stringContaining("upgrade") as string,
    });
    const saver = database.openSaver({ onCorruption: "fall-back", onEvent: () => undefined });
    await expect(saver.getTuple(second)).rejects.toThrow(UnsupportedFormatError);
  });

  it("a checkpoint of a newer version asks for an upgrade; verifyThread and deleteThread still work", async () => {
    const threadId = "newer checkpoint";
    const [, second] = await fill(threadId);
    await forgeBody(second, '[["list",["z",1]]]');
    const saver = database.openSaver();
    expect(await readError(saver, second)).toMatchObject({
      code: "UNSUPPORTED_FORMAT",
      what: 'a channel of kind "z"',
    });
    const put = putCheckpoint(saver, second, makeCheckpoint({ list: [] }));
    await expect(put).rejects.toThrow(UnsupportedFormatError);
    const { damages } = await saver.verifyThread(threadId);
    expect(damages).toContainEqual(
      expect.objectContaining({ expected: "a format that this version knows" }),
    );
    await saver.sweep({ threadId });
    await saver.deleteThread(threadId);
    expect(await saver.getTuple(threadConfig(threadId))).toBeUndefined();
  });
});

/** Puts a text in place of a pending write, as its writer would have stored it. */
async function forgeWrite({ configurable }: RunnableConfig, text: string): Promise<void> {
  const sets = database.documents("writes");
  const { checkpoint_id } = configurable!;
  const set = (await sets.findOne({ checkpoint_id }))!;
  const value = Buffer.from(text);
  const address = {
    threadId: set["thread_id"] as string,
    checkpointNs: "",
    checkpointId: checkpoint_id as string,
  };
  const writes = [{ index: 0, channel: "list", type: undefined, value }];
  const hash = await hasher.hashWriteSet({
    keyName: undefined,
    address,
    epoch: 0,
    taskId: "task",
    taskPath: "",
    place: 0,
    writes,
  });
  const change = { "writes.0.value": new Binary(value), hash: new Binary(hash) };
  await sets.updateOne({ _id: set._id }, { $set: change });
}

/** Puts a manifest in place of a checkpoint's, as its writer would have stored it. */
async function forgeBody({ configurable }: RunnableConfig, manifest: string): Promise<void> {
  const checkpoints = database.documents("checkpoint");
  const { checkpoint_id } = configurable!;
  const found = (await checkpoints.findOne({ checkpoint_id }))!;
  const header = { v: 4, ts: "", channel_versions: {}, versions_seen: {} };
  const body = Buffer.from(`${JSON.stringify(header)}\n${manifest}`);
  const parentHash = found["parent_hash"] as Binary;
  const hash = hasher.hashCheckpoint({
    address: {
      threadId: found["thread_id"] as string,
      checkpointNs: "",
      checkpointId: checkpoint_id as string,
    },
    keyName: undefined,
    epoch: 0,
    parentCheckpointId: found["parent_checkpoint_id"] as string,
    parentHash: parentHash.buffer.subarray(0, parentHash.position),
    order: found["seq"] as number,
    body,
    segments: Buffer.alloc(0),
    metadataType: undefined,
    origin: { runId: undefined, config: [] },
    metadata: Buffer.from(JSON.stringify(found["metadata"])),
  });
  const segments = new Binary(Buffer.alloc(0));
  const change = { body: new Binary(body), segments, hash: new Binary(hash) };
  await checkpoints.updateOne({ _id: found._id }, { $set: change });
}

async function readError(saver: MongoDBSaver, config: RunnableConfig): Promise<unknown> {
  return saver.getTuple(config).then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** The config of what a saver falls back to. */
async function readWithFallBack(config: RunnableConfig): Promise<RunnableConfig | undefined> {
  const saver = database.openSaver({ onCorruption: "fall-back", onEvent: () => undefined });
  const tuple = await saver.getTuple(config);
  for await (const listed of saver.list(config)) void listed;
  return tuple?.config;
}

it.each(["writes", "segment"] as const)(
  "one of the documents of kind %s that calls itself the thread's record ends no read, and hides nothing",
  async (kind) => {
    const threadId = `no record: ${kind}`;
    const settings = { ttl: 3_600 };
    const saver = database.openSaver(settings);
    const list = [`long ${kind} `.repeat(60)];
    const config = await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint({ list }));
    await saver.putWrites(config, [["list", "pending"]], "task");
    await database.documents(kind).updateOne({ thread_id: threadId }, { $set: { kind: "thread" } });
    const reader = database.openSaver(settings);
    expect(await readError(reader, threadConfig(threadId))).toBeInstanceOf(CorruptCheckpointError);
    const lenient = database.openSaver({
      ...settings,
      onCorruption: "fall-back",
      onEvent: () => {},
    });
    expect(await Array.fromAsync(lenient.list(threadConfig(threadId)))).toEqual([]);
    expect((await reader.verifyThread(threadId)).damages).not.toEqual([]);
  },
);
