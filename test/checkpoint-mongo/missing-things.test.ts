import { describe, expect, it } from "vitest";
import { openInterrupted } from "./interrupted-saver.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const saver = database.openSaver();
const NOWHERE = threadConfig("never-written");

describe("a thread that was never written to", () => {
  it("has no latest checkpoint", async () => {
    expect(await saver.getTuple(NOWHERE)).toBeUndefined();
    expect(await saver.get(NOWHERE)).toBeUndefined();
  });

  it("has its first checkpoint, if that is put while it is looked for", async () => {
    const checkpoint = makeCheckpoint({ a: 1 });
    const reader = await openInterrupted(database, {
      kind: "checkpoint",
      command: "findOne",
      action: () => putCheckpoint(saver, threadConfig("just-begun"), checkpoint),
    });
    const tuple = await reader.getTuple(threadConfig("just-begun"));
    expect(tuple?.checkpoint.id).toBe(checkpoint.id);
  });

  it("has no checkpoint of any id", async () => {
    expect(
      await saver.getTuple(threadConfig("never-written", { checkpointId: "1f0" })),
    ).toBeUndefined();
  });

  it("lists nothing", async () => {
    expect(await Array.fromAsync(saver.list(NOWHERE))).toEqual([]);
  });

  it("has an empty delta history for each channel asked for", async () => {
    expect(await saver.getDeltaChannelHistory({ config: NOWHERE, channels: ["a", "b"] })).toEqual({
      a: { writes: [] },
      b: { writes: [] },
    });
    expect(await saver.getDeltaChannelHistory({ config: NOWHERE, channels: [] })).toEqual({});
  });

  it("can be deleted, and is not made by that", async () => {
    await saver.deleteThread("never-written");
    expect(await database.readAll("never-written")).toEqual([]);
  });

  it("takes pending writes of a checkpoint that is yet to come", async () => {
    const checkpoint = makeCheckpoint({ a: 1 });
    const config = threadConfig("writes-first", { checkpointId: checkpoint.id });
    await saver.putWrites(config, [["a", 2]], "task");
    expect(await saver.getTuple(config)).toBeUndefined();
    await putCheckpoint(saver, threadConfig("writes-first"), checkpoint);
    expect((await saver.getTuple(config))?.pendingWrites).toEqual([["task", "a", 2]]);
  });

  it("takes a checkpoint whose parent is not stored, whole", async () => {
    const checkpoint = makeCheckpoint({ a: [1, 2], b: "unchanged" });
    const parent = threadConfig("orphan", { checkpointId: "not-stored" });
    await saver.put(parent, checkpoint, { source: "loop", step: 1, parents: {} }, { a: 1 });
    const tuple = await database.openSaverElsewhere().getTuple(threadConfig("orphan"));
    expect(tuple?.checkpoint.channel_values).toEqual({ a: [1, 2], b: "unchanged" });
    expect(tuple?.parentConfig?.configurable?.["checkpoint_id"]).toBe("not-stored");
  });
});

describe("a namespace that was never written to", () => {
  it("has no latest checkpoint, though others of its thread have", async () => {
    await putCheckpoint(saver, threadConfig("one-namespace"), makeCheckpoint({ a: 1 }));
    const elsewhere = threadConfig("one-namespace", { namespace: "sub:1" });
    expect(await saver.getTuple(elsewhere)).toBeUndefined();
    expect(await Array.fromAsync(saver.list(elsewhere))).toEqual([]);
  });
});

describe("a checkpoint id that was never put", () => {
  it("is not replaced by the latest checkpoint", async () => {
    await putCheckpoint(saver, threadConfig("some"), makeCheckpoint({ a: 1 }));
    expect(await saver.getTuple(threadConfig("some", { checkpointId: "other" }))).toBeUndefined();
  });
});

describe("a config without a thread", () => {
  it("reads nothing", async () => {
    expect(await saver.getTuple({})).toBeUndefined();
    expect(await saver.getTuple({ configurable: {} })).toBeUndefined();
    expect(await saver.getDeltaChannelHistory({ config: {}, channels: ["a"] })).toEqual({
      a: { writes: [] },
    });
  });
});
