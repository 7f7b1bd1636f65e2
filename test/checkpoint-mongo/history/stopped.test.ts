import type { RunnableConfig } from "@langchain/core/runnables";
import { INTERRUPT } from "@langchain/langgraph-checkpoint";
import { type MongoDBSaver, NothingToUndoError } from "@threadkeep/checkpoint-mongo";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "../make-checkpoint.ts";
import { stopAfter } from "../stop-after.ts";
import { useDatabase } from "../use-database.ts";

const database = useDatabase();
const saver = database.openSaver();

describe("wherever the process stops,", () => {
  for (const discard of [false, true]) {
    it(`a rollback that ${discard ? "discards" : "keeps"} what came after is done or not, and can be undone`, async () => {
      for (let commands = 0; ; commands += 1) {
        const threadId = `rollback ${discard} ${commands}`;
        const configs = await startThread(threadId);
        const target = configs[1]!;
        const done = await stopAfter(database, commands, (stopped) =>
          stopped.rollback(threadId, { to: idOf(target), discard }),
        );
        const after = database.openSaver();
        const { checkpoint } = (await after.getTuple(threadConfig(threadId)))!;
        const isDone = checkpoint.id !== idOf(configs.at(-1)!);
        expect(checkpoint.channel_values).toEqual({ step: isDone ? 2 : 4 });
        expect((await after.verifyThread(threadId)).damages).toEqual([]);
        const undone = await after.undoRollback(threadId).catch((error: unknown) => error);
        expect(NothingToUndoError.isInstance(undone)).toBe(!isDone);
        await expectAsBefore(threadId, configs);
        await after.rollback(threadId, { to: idOf(target), discard });
        expect((await listIds(threadId)).includes(idOf(configs.at(-1)!))).toBe(!discard);
        expect((await after.verifyThread(threadId)).damages).toEqual([]);
        if (done) return;
      }
    }, 120_000);
  }

  it("an undoing is done or not, and a later one finishes it", async () => {
    for (let commands = 0; ; commands += 1) {
      const threadId = `undo ${commands}`;
      const configs = await startThread(threadId);
      await saver.rollback(threadId, { to: { steps: 2 }, discard: true });
      const done = await stopAfter(database, commands, (stopped) => stopped.undoRollback(threadId));
      const after = database.openSaver();
      expect((await after.verifyThread(threadId)).damages).toEqual([]);
      await after.undoRollback(threadId).catch((error: unknown) => {
        if (!NothingToUndoError.isInstance(error)) throw error;
      });
      await expectAsBefore(threadId, configs);
      if (done) return;
    }
  }, 120_000);

  it("a fork is there as a whole or not at all, and can be made again", async () => {
    for (let commands = 0; ; commands += 1) {
      const threadId = `fork ${commands}`;
      const configs = await startThread(threadId);
      const to = `forked ${commands}`;
      const fork = (by: MongoDBSaver) => by.fork(threadId, { from: { steps: 1 }, to });
      const done = await stopAfter(database, commands, fork);
      const after = database.openSaver();
      const tuple = await after.getTuple(threadConfig(to));
      if (tuple === undefined) await fork(after);
      const forked = await database.openSaver().getTuple(threadConfig(to));
      expect(forked!.checkpoint).toEqual((await after.getTuple(configs[2]!))!.checkpoint);
      expect((await after.verifyThread(to)).damages).toEqual([]);
      if (done) return;
    }
  }, 120_000);
});

describe("while others write to the thread,", () => {
  it("a rollback gets its place, and no step is lost", async () => {
    const configs = await startThread("writer");
    const put: string[] = [];
    const write = async () => {
      let config = configs.at(-1)!;
      const other = database.openSaverElsewhere();
      for (let step = 0; step < 12; step += 1) {
        const checkpoint = makeCheckpoint({ step: 10 + step }, { versions: { step: 10 + step } });
        config = await putCheckpoint(other, config, checkpoint);
        put.push(checkpoint.id);
      }
    };
    const writing = write();
    const { config } = await saver.rollback("writer", { to: idOf(configs[0]!) });
    await writing;
    const ids = await listIds("writer");
    expect(put.every((id) => ids.includes(id))).toBe(true);
    expect(ids).toContain(idOf(config));
    expect((await database.openSaver().verifyThread("writer")).damages).toEqual([]);
  });

  it("a run that goes on from what a rollback discards is not damaged", async () => {
    const configs = await startThread("under way");
    const other = database.openSaverElsewhere();
    await other.getTuple(threadConfig("under way"));
    await saver.rollback("under way", { to: idOf(configs[0]!), discard: true });
    const next = await putCheckpoint(
      other,
      configs.at(-1)!,
      makeCheckpoint({ step: 9 }, { versions: { step: 9 } }),
    );
    const tuple = await database.openSaver().getTuple(threadConfig("under way"));
    expect(tuple!.config).toEqual(next);
    expect(tuple!.checkpoint.channel_values).toEqual({ step: 9 });
    expect((await database.openSaver().verifyThread("under way")).damages).toEqual([]);
    // Nor after a sweep has removed what it went on from.
    await database
      .documents("thread")
      .updateOne({ thread_id: "under way" }, { $set: { rollbacks: {} } });
    await saver.sweep({ threadId: "under way" });
    expect(await listIds("under way")).not.toContain(idOf(configs.at(-1)!));
    expect((await database.openSaver().verifyThread("under way")).damages).toEqual([]);
  });

  it("a run that goes on from a checkpoint that was moved meanwhile is not damaged", async () => {
    const configs = await startThread("moved");
    const other = database.openSaverElsewhere();
    await other.getTuple(configs.at(-1)!);
    await saver.rollback("moved", { to: idOf(configs[0]!) });
    await saver.undoRollback("moved");
    await putCheckpoint(
      other,
      configs.at(-1)!,
      makeCheckpoint({ step: 9 }, { versions: { step: 9 } }),
    );
    expect((await database.openSaver().verifyThread("moved")).damages).toEqual([]);
  });
});

describe("sweep", () => {
  it("removes what a rollback discarded once its days are over, and nothing before", async () => {
    const configs = await startThread("swept");
    await saver.putWrites(configs.at(-1)!, [["step", "x"]], "task");
    await saver.rollback("swept", { to: { steps: 2 }, discard: true, backupDays: 0.0001 });
    const discarded = () =>
      database.db
        .collection("threadkeep_threads")
        .countDocuments({ thread_id: "swept", kind: "discarded" });
    expect(await discarded()).toBe(2);
    await saver.sweep({ threadId: "swept" });
    expect(await discarded()).toBe(2);
    await new Promise((resolve) => {
      setTimeout(resolve, 9_000);
    });
    await saver.sweep();
    expect(await discarded()).toBe(0);
    expect(await database.documents("writes").countDocuments({ thread_id: "swept" })).toBe(0);
    await expect(saver.undoRollback("swept")).rejects.toThrow(NothingToUndoError);
    expect((await database.openSaver().verifyThread("swept")).damages).toEqual([]);
  });

  it("and prune leave what an undoing needs", async () => {
    const configs = await startThread("pruned");
    await saver.rollback("pruned", { to: idOf(configs[0]!) });
    await saver.prune(["pruned"], { strategy: "keep_latest" });
    expect(await listIds("pruned")).toHaveLength(2);
    await saver.undoRollback("pruned");
    const tuple = await database.openSaver().getTuple(threadConfig("pruned"));
    expect(tuple!.config).toEqual(configs.at(-1));
    expect((await database.openSaver().verifyThread("pruned")).damages).toEqual([]);
  });

  it("keeps the segments that only discarded checkpoints have", async () => {
    const [first] = await startThread("segments");
    const text = Array.from({ length: 300 }, (_, index) => Math.sin(index)).join();
    const config = await putCheckpoint(
      saver,
      first!,
      makeCheckpoint({ step: 2, text }, { versions: { step: 12 } }),
    );
    await saver.rollback("segments", { to: idOf(first!), discard: true });
    expect(await saver.sweep({ threadId: "segments" })).toEqual({ condemned: 0, removed: 0 });
    await saver.undoRollback("segments");
    const tuple = await database.openSaver().getTuple(config);
    expect(tuple!.checkpoint.channel_values).toEqual({ step: 2, text });
  });
});

it("with keys and a witness, a rollback and its undoing are verified as any other step", async () => {
  const settings = {
    witness: true,
    integrity: { key: new Uint8Array(32).fill(7) },
  };
  const open = () => database.openSaver(settings);
  const configs = await startThread("keys", open());
  await open().rollback("keys", { to: { steps: 2 } });
  expect((await open().verifyThread("keys")).damages).toEqual([]);
  await open().undoRollback("keys");
  expect((await open().verifyThread("keys")).damages).toEqual([]);
  expect((await open().getTuple(threadConfig("keys")))!.config).toEqual(configs.at(-1));
  await open().fork("keys", { from: { steps: 1 }, to: "keys of the fork" });
  expect((await open().verifyThread("keys of the fork")).damages).toEqual([]);
});

async function startThread(threadId: string, by: MongoDBSaver = saver) {
  const configs: RunnableConfig[] = [];
  let config = threadConfig(threadId);
  for (let step = 1; step <= 4; step += 1) {
    const checkpoint = makeCheckpoint({ step }, { versions: { step } });
    config = await putCheckpoint(by, config, checkpoint, makeMetadata({ step }));
    configs.push(config);
  }
  await by.putWrites(config, [[INTERRUPT, [{ value: "go?" }]]], "task");
  return configs;
}

async function expectAsBefore(threadId: string, configs: readonly RunnableConfig[]) {
  const tuple = await database.openSaver().getTuple(threadConfig(threadId));
  expect(tuple!.config).toEqual(configs.at(-1));
  expect(tuple!.pendingWrites).toEqual([["task", INTERRUPT, [{ value: "go?" }]]]);
  const ids = await listIds(threadId);
  expect(configs.every((config) => ids.includes(idOf(config)))).toBe(true);
  expect((await database.openSaver().verifyThread(threadId)).damages).toEqual([]);
}

function idOf(config: RunnableConfig): string {
  return config.configurable!["checkpoint_id"] as string;
}

async function listIds(threadId: string): Promise<string[]> {
  const tuples = await Array.fromAsync(database.openSaver().list(threadConfig(threadId)));
  return tuples.map(({ checkpoint }) => checkpoint.id);
}
