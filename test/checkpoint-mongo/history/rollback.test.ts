import type { RunnableConfig } from "@langchain/core/runnables";
import { INTERRUPT } from "@langchain/langgraph-checkpoint";
import {
  CheckpointNotFoundError,
  LabelNotFoundError,
  NothingToUndoError,
  ThreadNotFoundError,
  type MongoDBSaver,
} from "@threadkeep/checkpoint-mongo";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "../make-checkpoint.ts";
import { useDatabase } from "../use-database.ts";

const database = useDatabase();
const saver = database.openSaver();

describe("rollback", () => {
  it("makes an earlier state the latest and keeps what came after", async () => {
    const configs = await startThread("kept", 5);
    const result = await saver.rollback("kept", { to: idOf(configs[1]!) });
    expect(result).toMatchObject({
      targetId: idOf(configs[1]!),
      formerId: idOf(configs[4]!),
      isCopy: true,
      discarded: 0,
    });
    const cold = database.openSaver();
    const tuple = await cold.getTuple(threadConfig("kept"));
    expect(tuple!.config).toEqual(result.config);
    expect(tuple!.checkpoint.channel_values).toEqual({ list: valuesOf(2) });
    expect(tuple!.checkpoint.channel_versions).toEqual({ list: 2 });
    expect(tuple!.metadata).toMatchObject({ source: "fork", step: 3 });
    expect(tuple!.parentConfig).toEqual(configs[0]);
    expect(tuple!.pendingWrites).toEqual([]);
    expect(await listIds("kept")).toEqual([idOf(result.config), ...configs.map(idOf).toReversed()]);
    await expectSound("kept");
  });

  it("is gone on from as from any other state", async () => {
    const configs = await startThread("goes on", 4);
    const { config } = await saver.rollback("goes on", { to: { steps: 2 } });
    const list = [...valuesOf(2), "another way"];
    const next = await putCheckpoint(
      database.openSaver(),
      config,
      makeCheckpoint({ list }, { versions: { list: 9 } }),
    );
    const tuple = await database.openSaver().getTuple(threadConfig("goes on"));
    expect(tuple!.config).toEqual(next);
    expect(tuple!.checkpoint.channel_values).toEqual({ list });
    expect(tuple!.parentConfig).toEqual(config);
    expect((await listIds("goes on")).length).toBe(configs.length + 2);
    await expectSound("goes on");
  });

  it("counts steps along the parents, not along the order", async () => {
    const configs = await startThread("steps", 4);
    const fork = await putCheckpoint(
      saver,
      configs[1]!,
      makeCheckpoint({ list: ["fork"] }, { versions: { list: 7 } }),
    );
    const { targetId } = await saver.rollback("steps", { to: { steps: 1 } });
    expect(targetId).toBe(idOf(configs[1]!));
    expect(idOf(fork)).not.toBe(targetId);
  });

  it("makes the last checkpoint of another branch the latest itself, with its pending writes", async () => {
    const configs = await startThread("branch", 3);
    const waiting = configs[2]!;
    await saver.putWrites(waiting, [["list", "done"]], "task a");
    await saver.putWrites(waiting, [[INTERRUPT, [{ value: "go?" }]]], "task b");
    await putCheckpoint(saver, configs[0]!, makeCheckpoint({ list: ["other branch"] }));
    expect(await statusOf("branch")).toBe("idle");
    const before = await database.openSaver().getTuple(waiting);
    const result = await saver.rollback("branch", { to: idOf(waiting) });
    expect(result).toMatchObject({ isCopy: false, config: waiting });
    const cold = database.openSaver();
    expect(await cold.getTuple(threadConfig("branch"))).toEqual(before);
    expect(await statusOf("branch")).toBe("interrupted");
    expect((await listIds("branch"))[0]).toBe(idOf(waiting));
    await expectSound("branch");
    await putCheckpoint(cold, waiting, makeCheckpoint({ list: ["answered"] }));
    await expectSound("branch");
  });

  it("does nothing if the target is the latest already", async () => {
    const configs = await startThread("latest", 3);
    const before = await database.readAll("latest");
    const result = await saver.rollback("latest", { to: idOf(configs[2]!), discard: true });
    expect(result).toMatchObject({ isCopy: false, formerId: idOf(configs[2]!), discarded: 0 });
    expect(await database.readAll("latest")).toEqual(before);
    await expect(saver.undoRollback("latest")).rejects.toThrow(NothingToUndoError);
  });

  it("with discard leaves nothing in the history of what came after", async () => {
    const configs = await startThread("discard", 5);
    await startThread("discard", 2, "node:task", idOf(configs[0]!));
    await startThread("discard", 2, "node:later", idOf(configs[3]!));
    const result = await saver.rollback("discard", { to: idOf(configs[1]!), discard: true });
    expect(result.discarded).toBe(5);
    expect(await listIds("discard")).toEqual([
      idOf(result.config),
      idOf(configs[1]!),
      idOf(configs[0]!),
    ]);
    expect((await listIds("discard", "node:task")).length).toBe(2);
    expect(await listIds("discard", "node:later")).toEqual([]);
    const cold = database.openSaver();
    expect(await cold.getTuple(configs[4]!)).toBeUndefined();
    expect(
      await cold.getTuple(threadConfig("discard", { namespace: "node:later" })),
    ).toBeUndefined();
    await expectSound("discard");
  });
});

describe("undoRollback", () => {
  for (const discard of [false, true]) {
    it(`restores what was there before a rollback ${discard ? "that discarded" : "that kept"} it`, async () => {
      const threadId = `undo ${discard}`;
      const configs = await startThread(threadId, 4);
      await startThread(threadId, 2, "node:later", idOf(configs[3]!));
      await saver.putWrites(configs[3]!, [[INTERRUPT, [{ value: "go?" }]]], "task");
      const before = await Array.fromAsync(database.openSaver().list(threadConfig(threadId)));
      const { config: copy } = await saver.rollback(threadId, { to: { steps: 3 }, discard });
      expect(await statusOf(threadId)).toBe("idle");
      expect(await saver.undoRollback(threadId)).toEqual(configs[3]);
      const cold = database.openSaver();
      const after = await Array.fromAsync(cold.list(threadConfig(threadId)));
      expect(after.filter(({ config }) => idOf(config) !== idOf(copy))).toEqual(before);
      expect(await cold.getTuple(threadConfig(threadId))).toEqual(
        before.find(({ config }) => idOf(config) === idOf(configs[3]!)),
      );
      const nested = await cold.getTuple(threadConfig(threadId, { namespace: "node:later" }));
      expect(nested!.checkpoint.channel_values).toEqual({ list: valuesOf(2) });
      expect(await statusOf(threadId)).toBe("interrupted");
      await expectSound(threadId);
      await expect(saver.undoRollback(threadId)).rejects.toThrow(NothingToUndoError);
    });
  }

  it("undoes several rollbacks, the last one first", async () => {
    const configs = await startThread("twice", 4);
    const first = await saver.rollback("twice", { to: idOf(configs[2]!) });
    await saver.rollback("twice", { to: idOf(configs[0]!), discard: true });
    expect(await saver.undoRollback("twice")).toEqual(first.config);
    expect(await saver.undoRollback("twice")).toEqual(configs[3]);
    expect((await database.openSaver().getTuple(threadConfig("twice")))!.config).toEqual(
      configs[3],
    );
    await expectSound("twice");
  });

  it("keeps what was put since the rollback in the history", async () => {
    const configs = await startThread("since", 3);
    const { config } = await saver.rollback("since", { to: { steps: 1 }, discard: true });
    const next = await putCheckpoint(saver, config, makeCheckpoint({ list: ["since"] }));
    expect(await saver.undoRollback("since")).toEqual(configs[2]);
    expect(await listIds("since")).toContain(idOf(next));
    await expectSound("since");
  });
});

describe("bad input is refused with a typed error, and nothing is changed", () => {
  it("if there is no such thread, checkpoint, label or step", async () => {
    await startThread("bad", 2);
    const before = await database.readAll();
    const rollback = (threadId: string, to: string | { steps: number }) =>
      saver.rollback(threadId, { to }).catch((error: unknown) => error);
    expect(await rollback("nobody", "x")).toBeInstanceOf(ThreadNotFoundError);
    expect(await rollback("nobody", { steps: 1 })).toBeInstanceOf(ThreadNotFoundError);
    expect(await rollback("bad", "x")).toBeInstanceOf(LabelNotFoundError);
    expect(await rollback("bad", { steps: 2 })).toBeInstanceOf(CheckpointNotFoundError);
    await expect(saver.undoRollback("nobody")).rejects.toThrow(ThreadNotFoundError);
    await expect(saver.undoRollback("bad")).rejects.toThrow(NothingToUndoError);
    expect(await database.readAll()).toEqual(before);
  });

  it("if an option is wrong or unknown", async () => {
    const wrong = [undefined, {}, { to: "" }, { to: { steps: 0 } }, { to: "x", discards: true }];
    for (const options of wrong) {
      await expect(saver.rollback("bad", options as never)).rejects.toThrow(
        /Invalid options of rollback/,
      );
    }
  });
});

function valuesOf(length: number): string[] {
  return Array.from({ length }, (_, index) => `value ${index} `.repeat(20));
}

async function startThread(threadId: string, length: number, namespace = "", root?: string) {
  const configs: RunnableConfig[] = [];
  let config = threadConfig(threadId, { namespace });
  for (let step = 1; step <= length; step += 1) {
    const checkpoint = makeCheckpoint({ list: valuesOf(step) }, { versions: { list: step } });
    const metadata = makeMetadata({ step, ...(root && { parents: { "": root } }) });
    config = await putCheckpoint(saver, config, checkpoint, metadata);
    configs.push(config);
  }
  return configs;
}

async function expectSound(threadId: string): Promise<void> {
  const { damages, orphanedSegments } = await database.openSaver().verifyThread(threadId);
  expect({ damages, orphanedSegments }).toEqual({ damages: [], orphanedSegments: 0 });
}

async function statusOf(threadId: string) {
  return (await saver.threads.get(threadId))?.status;
}

function idOf(config: RunnableConfig): string {
  return config.configurable!["checkpoint_id"] as string;
}

async function listIds(threadId: string, namespace = ""): Promise<string[]> {
  const cold: MongoDBSaver = database.openSaver();
  const tuples = await Array.fromAsync(cold.list(threadConfig(threadId, { namespace })));
  return tuples.map(({ checkpoint }) => checkpoint.id);
}
