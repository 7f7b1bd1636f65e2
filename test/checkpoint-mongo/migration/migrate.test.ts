import { HumanMessage } from "@langchain/core/messages";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { uuid6, type BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { InvalidOptionsError, MigrationMismatchError } from "@threadkeep/checkpoint-mongo";
import { archiveThreads, FileArchiveStore } from "@threadkeep/checkpoint-mongo/archive";
import { migrate, type MigrationProgress } from "@threadkeep/checkpoint-mongo/migrate";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readEverything } from "../langgraph-usage/read-everything.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "../make-checkpoint.ts";
import { useDatabase } from "../use-database.ts";
import { runUntil } from "../archive/cut-off.ts";
import { rememberThread } from "../archive/stored-thread.ts";
import { fillOfficial, fillSmallOfficial, openOfficial } from "./fill-official.ts";

const database = useDatabase();
const official = openOfficial(database.client, database.name);
let threadId: string;

beforeEach(() => {
  threadId = uuid6(0);
});
afterEach(async () => {
  for (const name of ["checkpoints", "checkpoint_writes"]) {
    await database.db.collection(name).deleteMany({});
  }
});

const readOriginals = async () => ({
  checkpoints: await database.db.collection("checkpoints").find().toArray(),
  writes: await database.db.collection("checkpoint_writes").find().toArray(),
});

describe("a thread of the official saver", () => {
  it("reads the same after it was moved, from our saver alone, and the originals are as they were", async () => {
    await fillOfficial(official, threadId);
    const originals = await readOriginals();
    const before = await readEverything(database.openSaver(), threadId);
    const result = await migrate(database.openSaver());
    expect(result).toEqual({
      threads: 1,
      migrated: 1,
      alreadyThere: 0,
      checkpoints: 7,
      dropped: 0,
      failed: [],
      isDryRun: false,
    });
    expect(await readOriginals()).toEqual(originals);
    const alone = { checkpointCollectionName: "none", checkpointWritesCollectionName: "none" };
    for (const saver of [database.openSaver(), database.openSaver(alone)]) {
      expect(await readEverything(saver, threadId)).toEqual(before);
    }
    // So does the official saver itself, apart from the order in which it lists.
    for (const tuple of before.listed) {
      const original = (await official.getTuple(tuple.config))!;
      expect(tuple.checkpoint).toEqual(original.checkpoint);
      expect(tuple.metadata).toEqual(original.metadata);
      expect(tuple.parentConfig).toEqual(original.parentConfig);
    }
    expect((await database.openSaver().verifyThread(threadId)).damages).toEqual([]);
    expect(await database.db.listCollections({ name: "threadkeep_migrating" }).toArray()).toEqual(
      [],
    );
  });

  it("is in the index of threads, with the times that its checkpoints say", async () => {
    await fillOfficial(official, threadId);
    await migrate(database.openSaver());
    const [found] = (
      await database.openSaver().threads.search({ status: "interrupted", ids: [threadId] })
    ).threads;
    const ts = new Date("2026-01-01T00:00:00.000Z");
    expect(found).toMatchObject({ threadId, createdAt: ts, updatedAt: ts });
  });

  it("of a real graph goes on, with one history", async () => {
    const config = { configurable: { thread_id: threadId } };
    const before = compileChat(official);
    await before.invoke({ messages: [new HumanMessage("one")] }, config);
    await before.invoke({ messages: [new HumanMessage("two")] }, config);
    const saver = database.openSaver({
      collectionPrefix: "keyed_",
      integrity: { key: "k".repeat(32) },
    });
    await migrate(saver, { dropSource: true });
    const after = compileChat(saver);
    const { messages } = await after.invoke({ messages: [new HumanMessage("three")] }, config);
    expect(messages.map(({ content }) => content)).toEqual([
      "one",
      "echo one",
      "two",
      "echo two",
      "three",
      "echo three",
    ]);
    const history = await Array.fromAsync(after.getStateHistory(config));
    expect(history.map(({ metadata }) => metadata?.step)).toEqual([7, 6, 5, 4, 3, 2, 1, 0, -1]);
    expect((await saver.verifyThread(threadId)).damages).toEqual([]);
    expect(await official.getTuple(config)).toBeUndefined();
  });

  it("is listed once, and deleted in both places", async () => {
    await fillOfficial(official, threadId);
    const saver = database.openSaver();
    const count = async (): Promise<number> =>
      (await Array.fromAsync(saver.list({}))).filter(
        ({ config }) => config.configurable!["thread_id"] === threadId,
      ).length;
    expect(await count()).toBe(7);
    await migrate(saver);
    expect(await count()).toBe(7);
    expect((await Array.fromAsync(saver.list(threadConfig(threadId), { limit: 3 }))).length).toBe(
      3,
    );
    await saver.deleteThread(threadId);
    expect(await count()).toBe(0);
    expect(await migrate(saver)).toMatchObject({ threads: 0 });
  });

  it("that our saver has gone on with gets its older checkpoints, and reads the same", async () => {
    const config = await fillOfficial(official, threadId);
    const saver = database.openSaver({ witness: true });
    await saver.putWrites(config, [["text", "ours"]], "task-ours");
    const next = await putCheckpoint(saver, config, makeCheckpoint({ own: 1, messages: [] }));
    await putCheckpoint(saver, next, makeCheckpoint({ own: 2 }));
    const before = await readEverything(saver, threadId);
    await database.openSaver().threads.update(threadId, { metadata: { user: "ada" } });
    expect(await migrate(saver)).toMatchObject({ migrated: 1, checkpoints: 7, failed: [] });
    expect(await migrate(saver, { dropSource: true })).toMatchObject({
      alreadyThere: 1,
      dropped: 1,
    });
    expect(await readOriginals()).toEqual({ checkpoints: [], writes: [] });
    const after = database.openSaverElsewhere({ witness: true });
    const { latest, single } = await readEverything(after, threadId);
    expect({ latest, single }).toEqual({ latest: before.latest, single: before.single });
    expect((await after.verifyThread(threadId)).damages).toEqual([]);
    // The subgraph goes on, and so does the fork.
    const inner = (await after.getTuple(threadConfig(threadId, { namespace: "child:1" })))!;
    await putCheckpoint(after, inner.config, makeCheckpoint({ inner: ["a", "b", "c"] }));
    await putCheckpoint(
      after,
      before.listed.at(-1)!.config,
      makeCheckpoint({ text: "forked again" }),
    );
    expect((await after.verifyThread(threadId)).damages).toEqual([]);
  });

  it("that our saver has only added a pending write to reads the same, and stands where it stood", async () => {
    const config = await fillOfficial(official, threadId);
    const saver = database.openSaver();
    await saver.putWrites(config, [["text", "ours"]], "task-ours");
    const before = await readEverything(saver, threadId);
    expect(before.latest!.pendingWrites).toHaveLength(2);
    expect(await migrate(saver, { dropSource: true })).toMatchObject({ migrated: 1, dropped: 1 });
    const after = database.openSaverElsewhere();
    expect((await readEverything(after, threadId)).latest).toEqual(before.latest);
    expect((await after.verifyThread(threadId)).damages).toEqual([]);
    const { threads } = await after.threads.search({ status: "interrupted", ids: [threadId] });
    expect(threads).toHaveLength(1);
    await putCheckpoint(after, config, makeCheckpoint({ own: 1 }));
    expect((await after.verifyThread(threadId)).damages).toEqual([]);
  });

  it("is not archived before it was migrated", async () => {
    const config = await fillOfficial(official, threadId);
    const saver = database.openSaver({ archive: new FileArchiveStore("unused") });
    await putCheckpoint(saver, config, makeCheckpoint({ own: 1 }));
    const { skipped } = await archiveThreads(saver, { threadIds: [threadId] });
    expect(skipped).toEqual([{ threadId, reason: "not-migrated" }]);
  });

  it("that cannot be read is left, with the reason, and does not keep the others back", async () => {
    await fillOfficial(official, threadId);
    const otherId = uuid6(1);
    await fillOfficial(official, otherId, 1);
    const [first] = await database.db
      .collection("checkpoints")
      .find({ thread_id: threadId })
      .toArray();
    await database.db
      .collection("checkpoints")
      .updateOne({ _id: first!._id }, { $set: { checkpoint: Buffer.from("{damaged") } });
    for (const options of [{ dryRun: true }, {}, { dropSource: true }]) {
      const result = await migrate(database.openSaver(), options);
      expect(result.failed.map((failed) => failed.threadId)).toEqual([threadId]);
    }
    expect(await official.getTuple(threadConfig(otherId))).toBeUndefined();
    const left = await database.db
      .collection("checkpoints")
      .countDocuments({ thread_id: threadId });
    expect(left).toBe(7);
  });
});

describe("dropSource", () => {
  it("removes originals only of threads that read the same from both", async () => {
    await fillOfficial(official, threadId);
    const saver = database.openSaver();
    await migrate(saver);
    // The official saver has gone on after the migration.
    const tuple = (await official.getTuple(threadConfig(threadId)))!;
    await official.putWrites(tuple.config, [["text", "late"]], "task-late");
    const refused = await migrate(saver, { dropSource: true });
    expect(refused).toMatchObject({ alreadyThere: 1, dropped: 0 });
    expect(MigrationMismatchError.isInstance(refused.failed[0]?.error)).toBe(true);
    await database.db.collection("checkpoint_writes").deleteMany({ task_id: "task-late" });
    expect(await migrate(saver, { dropSource: true })).toMatchObject({ dropped: 1, failed: [] });
    expect(await readOriginals()).toEqual({ checkpoints: [], writes: [] });
    expect(await saver.getTuple(threadConfig(threadId))).toEqual(tuple);
  });
});

describe("a dry run", () => {
  it("changes nothing, and says what would be moved", async () => {
    await fillOfficial(official, threadId);
    const before = [await readOriginals(), await database.readAll()];
    const progress: MigrationProgress[] = [];
    const result = await migrate(database.openSaver(), {
      dryRun: true,
      dropSource: true,
      onProgress: (one) => void progress.push(one),
    });
    expect(result).toMatchObject({ migrated: 1, checkpoints: 7, dropped: 0, isDryRun: true });
    expect([await readOriginals(), await database.readAll()]).toEqual(before);
    expect(progress).toHaveLength(1);
    expect(progress[0]).toMatchObject({
      phase: "migrate",
      threads: 1,
      threadsTotal: 1,
      checkpoints: 7,
      checkpointsTotal: 7,
      etaMs: 0,
    });
  });
});

it.each([
  ["that is only of the official saver", false],
  ["that our saver has gone on with", true],
])(
  "a migration that ends between any two commands leaves a thread %s as it reads, and goes on",
  async (_what, isContinued) => {
    const seen = new Set<number>();
    const config = await fillSmallOfficial(official, threadId);
    const own = makeCheckpoint({ own: 1 });
    if (isContinued) await putCheckpoint(database.openSaver(), config, own);
    const before = await readEverything(database.openSaver(), threadId);
    const collections = ["threadkeep_threads", "checkpoints", "checkpoint_writes"];
    const stored = await rememberThread(database, threadId, collections);
    // More steps at once where nothing can be seen yet.
    for (let steps = 0; ; steps += 3) {
      await stored.putBack();
      const isDone = await runUntil(database, steps, (saver) =>
        migrate(saver, { dropSource: true }),
      );
      expect(await readEverything(database.openSaver(), threadId)).toEqual(before);
      expect((await database.openSaver().verifyThread(threadId)).damages).toEqual([]);
      const result = await migrate(database.openSaver(), { dropSource: true });
      seen.add(result.migrated);
      expect(result.failed).toEqual([]);
      expect(await readEverything(database.openSaver(), threadId)).toEqual(before);
      expect(await readOriginals()).toEqual({ checkpoints: [], writes: [] });
      if (isDone) break;
    }
    expect(seen).toEqual(new Set([0, 1]));
  },
  180_000,
);

it("a run that goes on with a thread while it is moved loses nothing", async () => {
  for (let round = 0; round < 3; round += 1) {
    threadId = uuid6(0);
    const config = await fillOfficial(official, threadId);
    const saver = database.openSaverElsewhere();
    const [result, put] = await Promise.all([
      migrate(database.openSaver(), { threadIds: [threadId] }),
      sleep(round * 25).then(() => putCheckpoint(saver, config, makeCheckpoint({ own: round }))),
    ]);
    expect(result.failed).toEqual([]);
    const after = database.openSaver();
    expect((await after.getTuple(threadConfig(threadId)))?.config).toEqual(put);
    expect((await Array.fromAsync(after.list(threadConfig(threadId)))).length).toBe(7);
    expect((await after.verifyThread(threadId)).damages).toEqual([]);
  }
});

it("a thread that is named and that neither saver has is a failed one, and one that was moved is not", async () => {
  await fillSmallOfficial(official, threadId);
  const saver = database.openSaver();
  await migrate(saver, { dropSource: true });
  const { failed, ...counts } = await migrate(saver, { threadIds: [threadId, "unknown"] });
  expect(failed).toMatchObject([{ threadId: "unknown", error: { code: "THREAD_NOT_FOUND" } }]);
  expect(counts).toMatchObject({ threads: 0, migrated: 0 });
});

it("wrong options are refused", async () => {
  await expect(migrate(database.openSaver(), { dropsource: true } as never)).rejects.toThrow(
    /did you mean dropSource/,
  );
  await expect(migrate({} as never)).rejects.toThrow(InvalidOptionsError);
  await expect(migrate(database.openSaver(), { concurrency: 0 })).rejects.toThrow(/concurrency/);
});

function compileChat(checkpointer: BaseCheckpointSaver) {
  return new StateGraph(MessagesAnnotation)
    .addNode("echo", ({ messages }) => ({ messages: [`echo ${messages.at(-1)!.text}`] }))
    .addEdge(START, "echo")
    .compile({ checkpointer });
}
