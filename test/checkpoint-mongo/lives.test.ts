import type { RunnableConfig } from "@langchain/core/runnables";
import type { ThreadReport } from "@threadkeep/checkpoint-mongo";
import type { Document, ObjectId } from "mongodb";
import { describe, expect, it } from "vitest";
import { hashLife } from "../../packages/checkpoint-mongo/src/integrity/hashes.ts";
import { openOnOldServer } from "./old-server.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { COLLECTION, useDatabase } from "./use-database.ts";

const database = useDatabase();
const collection = database.db.collection(COLLECTION);
const saver = database.openSaver();

/** Lives that documents may be of, of a thread that is in its second. */
const OTHER_LIVES = [
  ["an earlier life", undefined],
  ["a life that is yet to come", 7],
  ["a life with no number", "x"],
  ["a life beyond all numbers", Infinity],
] as const;

describe.each(OTHER_LIVES)("what is there of %s", (name, epoch) => {
  it.each([
    ["one server", database.openSaver()],
    ["a router of a sharded cluster", undefined],
  ])("is not seen by any read, on %s", async (place, given) => {
    const threadId = `unseen: ${name}, ${place}`;
    const { config, checkpoint } = await beginSecondLife(threadId);
    const foreign = await addForeign(threadId, epoch);
    const reader = given ?? (await openOnOldServer(database));
    const latest = threadConfig(threadId);
    expect((await reader.getTuple(latest))?.checkpoint).toEqual(checkpoint);
    expect((await reader.getTuple(config))?.pendingWrites).toEqual([["task", "list", "mine"]]);
    expect(await reader.getTuple(foreign)).toBeUndefined();
    for (const options of [{}, { limit: 1 }, { limit: 5 }]) {
      const listed = await Array.fromAsync(reader.list(latest, options));
      expect(listed.map((tuple) => tuple.checkpoint)).toEqual([checkpoint]);
    }
    const none = { list: { writes: [] } };
    expect(await reader.getDeltaChannelHistory({ config: foreign, channels: ["list"] })).toEqual(
      none,
    );
    const report = await reader.verifyThread(threadId);
    expect(report).toMatchObject({ checkpoints: 1, writes: 1 });
    // A life that has not been is damage, or was put there by hand.
    expect(namesFields(report)).toEqual(epoch === undefined ? [] : ["epoch"]);
  });

  it("does not survive a deletion of the thread, nor does it come back", async () => {
    const threadId = `deleted: ${name}`;
    await beginSecondLife(threadId);
    const foreign = await addForeign(threadId, epoch);
    await saver.deleteThread(threadId);
    const left = await database.readAll(threadId);
    expect(left.map(({ kind }) => kind as unknown)).toEqual(["thread"]);
    for (let life = 0; life < 3; life += 1) {
      const checkpoint = makeCheckpoint({ a: life });
      await putCheckpoint(database.openSaver(), threadConfig(threadId), checkpoint);
      expect(await saver.getTuple(foreign)).toBeUndefined();
      const tuple = await database.openSaver().getTuple(threadConfig(threadId));
      expect(tuple?.checkpoint).toEqual(checkpoint);
      await saver.deleteThread(threadId);
    }
  });

  it.each([
    ["has the same id", true],
    ["has the same place in the order", false],
  ])("is in nobody's way who puts what %s", async (what, isSameId) => {
    const threadId = `put over: ${name}, ${what}`;
    const { config } = await beginSecondLife(threadId);
    const foreign = await addForeign(threadId, epoch, { isHead: false });
    const writer = database.openSaver();
    const id = isSameId ? (foreign.configurable!["checkpoint_id"] as string) : undefined;
    const next = makeCheckpoint({ list: ["next ".repeat(100)] }, id === undefined ? {} : { id });
    const stored = await putCheckpoint(writer, config, next);
    await writer.putWrites(stored, [["list", "after"]], "task");
    const reader = database.openSaver();
    const tuple = await reader.getTuple(threadConfig(threadId));
    expect(tuple?.checkpoint).toEqual(next);
    expect(tuple?.pendingWrites).toEqual([["task", "list", "after"]]);
    expect(await Array.fromAsync(reader.list(threadConfig(threadId)))).toHaveLength(2);
    const fields = namesFields(await reader.verifyThread(threadId));
    expect(fields).toEqual(epoch === undefined ? [] : ["epoch"]);
  });
});

describe("a deletion that ended in the middle", () => {
  async function leaveHalf(threadId: string) {
    const config = await fill(threadId);
    await collection.updateOne(
      { thread_id: threadId, kind: "thread" },
      {
        $set: { epoch: 1, life: hashLife(threadId, 1) },
        $currentDate: { deleted_at: true },
        $unset: { expires_at: "" },
      },
    );
    await collection.deleteMany({ thread_id: threadId, kind: "segment" });
    return config;
  }

  it("has deleted the thread for every reader", async () => {
    const config = await leaveHalf("half deleted");
    const reader = database.openSaver();
    expect(await reader.getTuple(config)).toBeUndefined();
    expect(await reader.getTuple(threadConfig("half deleted"))).toBeUndefined();
    expect(await Array.fromAsync(reader.list(threadConfig("half deleted")))).toEqual([]);
    expect(await reader.verifyThread("half deleted")).toMatchObject({
      checkpoints: 0,
      damages: [],
    });
  });

  it("is finished by a sweep, however long ago it was, and only then its record expires", async () => {
    await leaveHalf("half swept");
    const [record] = await findRecords("half swept");
    expect(record).not.toHaveProperty("expires_at");
    await saver.sweep({ threadId: "half swept" });
    expect(await database.readAll("half swept")).toEqual([
      expect.objectContaining({ kind: "thread", expires_at: expect.any(Date) as Date }),
    ]);
  });
});

it("a sweep removes what is left of earlier lives, and nothing of this one or of the first", async () => {
  const { config } = await beginSecondLife("swept lives");
  const foreign = await addForeign("swept lives", undefined);
  const first = await fill("swept first life");
  const before = await database.readAll("swept first life");
  for (const threadId of ["swept lives", "swept first life"]) await saver.sweep({ threadId });
  const id = foreign.configurable!["checkpoint_id"] as string;
  expect(await collection.countDocuments({ thread_id: "swept lives", checkpoint_id: id })).toBe(0);
  expect(await database.openSaver().getTuple(config)).toBeDefined();
  expect(await database.openSaver().getTuple(first)).toBeDefined();
  expect(await database.readAll("swept first life")).toEqual(before);
});

it("a mark that a put of an ended life took away does not hide the latest checkpoint", async () => {
  const threadId = "mark taken";
  const { checkpoint, config } = await beginSecondLife(threadId);
  await addForeign(threadId, undefined);
  await collection.updateOne(
    { thread_id: threadId, kind: "checkpoint", epoch: 1 },
    { $unset: { head: "" } },
  );
  const reader = database.openSaver();
  expect((await reader.getTuple(threadConfig(threadId)))?.checkpoint).toEqual(checkpoint);
  const next = makeCheckpoint({ a: 2 });
  await putCheckpoint(reader, config, next);
  expect((await database.openSaver().getTuple(threadConfig(threadId)))?.checkpoint).toEqual(next);
});

it("deleteThread removes a thread whose record was deleted", async () => {
  const config = await fill("no record");
  await collection.deleteOne({ thread_id: "no record", kind: "thread" });
  expect(await saver.getTuple(config)).toBeDefined();
  await saver.deleteThread("no record");
  expect(await saver.getTuple(config)).toBeUndefined();
  const left = await database.readAll("no record");
  expect(left.map(({ kind }) => kind as unknown)).toEqual(["thread"]);
  await saver.deleteThread("never there");
  expect(await database.readAll("never there")).toEqual([]);
});

async function fill(threadId: string): Promise<RunnableConfig> {
  const checkpoint = makeCheckpoint({ list: ["first ".repeat(100)] });
  const config = await putCheckpoint(saver, threadConfig(threadId), checkpoint);
  await saver.putWrites(config, [["list", "first"]], "task");
  return config;
}

/** A thread of one checkpoint, in its second life. */
async function beginSecondLife(threadId: string) {
  await fill(threadId);
  await saver.deleteThread(threadId);
  const checkpoint = makeCheckpoint({ list: ["second ".repeat(100)] });
  const config = await putCheckpoint(saver, threadConfig(threadId), checkpoint);
  await saver.putWrites(config, [["list", "mine"]], "task");
  expect((await findRecords(threadId))[0]).toMatchObject({ epoch: 1 });
  return { config, checkpoint };
}

/**
 * Adds a checkpoint of another life, in the next place of the order, with all that belongs to it, and
 * pending writes of that life to the thread's own checkpoint.
 *
 * @returns the checkpoint's config
 */
async function addForeign(
  threadId: string,
  epoch: unknown,
  { isHead = true } = {},
): Promise<RunnableConfig> {
  const before = await database.readAll(threadId);
  const own = before.find(({ kind }) => kind === "checkpoint")!;
  const config = threadConfig(threadId, { checkpointId: own["checkpoint_id"] as string });
  const checkpoint = makeCheckpoint({ list: ["foreign ".repeat(100)] });
  const foreign = await putCheckpoint(saver, config, checkpoint);
  await saver.putWrites(foreign, [["list", "foreign"]], "task");
  await saver.putWrites(config, [["list", "foreign"]], "another task");
  const known = new Set(before.map(({ _id }) => String(_id)));
  const added = (await database.readAll(threadId)).filter(({ _id }) => !known.has(String(_id)));
  const life: Document = epoch === undefined ? { $unset: { epoch: "" } } : { $set: { epoch } };
  await collection.updateMany({ _id: { $in: added.map(idOf) } }, life);
  // The put has taken the mark off the thread's own and left the next place there.
  await collection.updateOne({ _id: idOf(own) }, { $set: { head: true }, $unset: { next: "" } });
  if (!isHead) {
    await collection.updateMany(
      { thread_id: threadId, kind: "checkpoint", _id: { $ne: idOf(own) } },
      { $unset: { head: "" } },
    );
  }
  return foreign;
}

function idOf(document: Document): ObjectId {
  // Whatever it is, not what the driver would make of itself.
  return document["_id"] as ObjectId;
}

/** The fields in which documents are damaged, each once. */
function namesFields({ damages }: ThreadReport): (string | undefined)[] {
  return [...new Set(damages.map(({ field }) => field))];
}

function findRecords(threadId: string): Promise<Document[]> {
  return collection.find({ thread_id: threadId, kind: "thread" }).toArray();
}
