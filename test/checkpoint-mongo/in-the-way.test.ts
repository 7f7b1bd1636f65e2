import type { RunnableConfig } from "@langchain/core/runnables";
import { CorruptCheckpointError, type MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { Binary, type Document, type UpdateFilter } from "mongodb";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { COLLECTION } from "./collection-name.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

/** The server removes nothing that has expired just now. */
const JUST_PAST = new Date(Date.now() - 1_000);

const START = makeItems("start", 3);
const NEXT = [...START, ...makeItems("next", 1)];

describe("a put names the damaged document that is in its way", () => {
  const damages: Record<string, [kind: "segment" | "thread", UpdateFilter<Document>, string]> = {
    "a segment's part counts from 1": ["segment", { $set: { part: 1 } }, "part"],
    "a segment is called another thread's": ["segment", { $set: { thread_id: "x" } }, "thread_id"],
    "a segment is called something else": ["segment", { $set: { kind: "writes" } }, "kind"],
    "a segment is called another": [
      "segment",
      { $set: { segment: new Binary(Buffer.alloc(20)) } },
      "segment",
    ],
    "the record is called another thread's": ["thread", { $set: { thread_id: "x" } }, "thread_id"],
    "the record is called something else": ["thread", { $set: { kind: "writes" } }, "kind"],
    "the record counts no lives": ["thread", { $unset: { epoch: "" } }, "epoch"],
    "the record counts lives in text": ["thread", { $set: { epoch: "1" } }, "epoch"],
    "the record has a text as expiry": ["thread", { $set: { expires_at: "soon" } }, "expires_at"],
    "the record is marked in a way that nothing takes off": [
      "thread",
      { $set: { extending: "yes" } },
      "extending",
    ],
  };
  it.each(Object.entries(damages))("%s", async (threadId, [kind, update, field]) => {
    const warm = database.openSaver();
    const parent = await putList(warm, threadConfig(threadId), START);
    await database.documents(kind).updateOne({ thread_id: threadId }, update);
    // What is put has the same segment once more.
    const start = kind === "segment" ? threadConfig(threadId) : parent;
    const refused = await putList(warm, start, START).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(CorruptCheckpointError);
    expect(refused).toMatchObject({ threadId, corruption: { document: kind, field } });
    expect((refused as Error).message).toMatch(/put the\s+field right/i);
  });

  it("writes of a task name it too", async () => {
    const saver = database.openSaver();
    const parent = await putList(saver, threadConfig("of a task"), START);
    await saver.putWrites(parent, [["list", "first"]], "task");
    const writes = database.documents("writes");
    const change = { $set: { checkpoint: new Binary(Buffer.alloc(16)) } };
    await writes.updateOne({ thread_id: "of a task" }, change);
    await expect(saver.putWrites(parent, [["list", "first"]], "task")).rejects.toMatchObject({
      corruption: { document: "write", field: "checkpoint" },
    });
  });

  it("writes of a task that exist already, but damaged, are not acknowledged", async () => {
    const saver = database.openSaver();
    const parent = await putList(saver, threadConfig("there already"), START);
    await saver.putWrites(parent, [["list", "first"]], "task");
    await database
      .documents("writes")
      .updateOne({ thread_id: "there already" }, { $set: { "writes.0.value": new Binary() } });
    await expect(saver.putWrites(parent, [["list", "first"]], "task")).rejects.toMatchObject({
      corruption: { document: "write" },
    });
  });
});

describe("a thread whose latest checkpoint has lost its mark can be continued", () => {
  it.each([
    ["the mark was removed", { $unset: { head: "" } }],
    ["the mark is none", { $set: { head: false } }],
  ] satisfies [string, UpdateFilter<Document>][])("%s", async (threadId, update) => {
    const first = await putList(database.openSaver(), threadConfig(threadId), START);
    const second = await putList(database.openSaver(), first, NEXT);
    await database.documents("checkpoint").updateOne({ thread_id: threadId, head: true }, update);
    const saver = database.openSaver();
    await expect(saver.getTuple(threadConfig(threadId))).rejects.toThrow(CorruptCheckpointError);
    const third = await putList(saver, threadId === "the mark is none" ? first : second, NEXT);
    expect((await database.openSaver().getTuple(threadConfig(threadId)))?.config).toEqual(third);
  });
});

describe("deleteThread deletes a thread", () => {
  it.each([
    ["whose record was deleted", undefined],
    ["whose record is called another's", { $set: { thread_id: "another" } }],
    ["whose record counts lives in text", { $set: { epoch: "one" } }],
    ["whose record counts half lives", { $set: { epoch: 0.5 } }],
  ] satisfies [string, UpdateFilter<Document> | undefined][])("%s", async (threadId, update) => {
    await putList(database.openSaver(), threadConfig(threadId), START);
    const records = database.documents("thread");
    if (update === undefined) await records.deleteOne({ thread_id: threadId });
    else await records.updateOne({ thread_id: threadId }, update);
    await database.openSaver().deleteThread(threadId);
    expect(await database.openSaver().getTuple(threadConfig(threadId))).toBeUndefined();
    const left = await database.db.collection(COLLECTION).find({ thread_id: threadId }).toArray();
    expect(left.map(({ kind }) => kind as string)).toEqual(["thread"]);
    const again = await putList(database.openSaver(), threadConfig(threadId), START);
    expect((await database.openSaver().getTuple(threadConfig(threadId)))?.config).toEqual(again);
  });

  it("also the documents whose kind is damaged", async () => {
    await putList(database.openSaver(), threadConfig("stray"), START);
    await database
      .documents("segment")
      .updateOne({ thread_id: "stray" }, { $set: { kind: "something else" } });
    await database.openSaver().deleteThread("stray");
    expect(await database.readAll("stray")).toEqual([
      expect.objectContaining({ _id: "stray", kind: "thread" }),
    ]);
  });
});

describe("verifyThread finds what does not agree with the thread's record", () => {
  it.each([
    ["a document of another life", "segment", { $set: { epoch: 7 } }, "epoch"],
    [
      "a document that expires by itself",
      "checkpoint",
      { $unset: { expires_at: "" } },
      "expires_at",
    ],
    [
      "a document that expires earlier",
      "segment",
      { $set: { expires_at: JUST_PAST } },
      "expires_at",
    ],
    [
      "a record that has expired alone",
      "thread",
      { $set: { expires_at: JUST_PAST } },
      "expires_at",
    ],
    ["a record that is of another life", "thread", { $set: { epoch: 7 } }, "life"],
    [
      "a record that is deleted alone",
      "thread",
      { $set: { deleted_at: new Date() } },
      "deleted_at",
    ],
    ["a document of no kind", "segment", { $set: { kind: "x" } }, "kind"],
    ["appends that are not counted", "segment", { $set: { appends: 3 } }, "appends"],
  ] satisfies [string, "segment" | "checkpoint" | "thread", UpdateFilter<Document>, string][])(
    "%s",
    async (threadId, kind, update, field) => {
      const settings = { ttl: 24 * 3_600 };
      const saver = database.openSaver(settings);
      const first = await putList(saver, threadConfig(threadId), START);
      await putList(saver, first, NEXT);
      expect((await saver.verifyThread(threadId)).damages).toEqual([]);
      await database.documents(kind).updateOne({ thread_id: threadId }, update);
      const { damages } = await database.openSaver(settings).verifyThread(threadId);
      expect(damages.map((damage) => damage.field)).toContain(field);
    },
  );
});

it("a sweep removes nothing from a thread if it cannot tell what is in use", async () => {
  const threadId = "not known";
  await putList(database.openSaver(), threadConfig(threadId), START);
  const checkpoints = database.documents("checkpoint");
  await checkpoints.updateOne({ thread_id: threadId }, { $set: { segments: null } });
  expect(await database.openSaver().sweep({ threadId })).toEqual({ condemned: 0, removed: 0 });
});

function putList(
  saver: MongoDBSaver,
  parent: RunnableConfig,
  list: readonly string[],
): Promise<RunnableConfig> {
  const version = Math.random();
  return putCheckpoint(saver, parent, makeCheckpoint({ list }, { versions: { list: version } }));
}

function makeItems(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name} ${index} `.repeat(40));
}
