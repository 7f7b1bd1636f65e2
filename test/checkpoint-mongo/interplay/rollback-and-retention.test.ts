import type { RunnableConfig } from "@langchain/core/runnables";
import { INTERRUPT, uuid6 } from "@langchain/langgraph-checkpoint";
import { CheckpointNotFoundError, type MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { afterEach, describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, threadConfig } from "../make-checkpoint.ts";
import { ServerTime } from "../server-time.ts";
import { useDatabaseThrough } from "../use-database.ts";

// What one feature does must not look like damage to another, nor take from it what it still needs.

const time = new ServerTime();
const database = await useDatabaseThrough(time.handle);
const DAY_MINUTES = 24 * 60;

afterEach(() => {
  time.reset();
});

describe("what a rollback has discarded", () => {
  it("comes back to its parent, which a later rollback has not moved", async () => {
    const saver = database.openSaver();
    const [, second, , last] = await startThread(saver, "moved parent", 4);
    await saver.rollback("moved parent", { to: idOf(second!), discard: true });
    const again = await saver.rollback("moved parent", { to: idOf(second!) });
    expect(again.isCopy).toBe(true);
    await saver.undoRollback("moved parent");
    expect(await saver.undoRollback("moved parent")).toEqual(last);
    await expectSound("moved parent");
  });

  it("comes back whole after a prune that removed its parent", async () => {
    const saver = database.openSaver();
    const configs = await startThread(saver, "pruned parent", 4);
    await saver.putWrites(configs[3]!, [[INTERRUPT, [{ value: "go?" }]]], "task");
    await saver.rollback("pruned parent", { to: idOf(configs[1]!), discard: true });
    await saver.prune(["pruned parent"], { strategy: "keep_latest" });
    await expectSound("pruned parent");
    const config = await saver.undoRollback("pruned parent");
    expect(config).toEqual(configs[3]);
    const tuple = await database.openSaver().getTuple(config);
    expect(tuple?.checkpoint.channel_values).toEqual({ list: ["0", "1", "2", "3"] });
    expect(tuple?.pendingWrites?.length).toBe(1);
    await expectSound("pruned parent");
  });

  it("keeps the ancestors that its delta channels are made of, whoever prunes", async () => {
    for (const prunes of ["prune", "keepLast"]) {
      const threadId = `delta ${prunes}`;
      const saver = database.openSaver();
      const delta = { counters_since_delta_snapshot: { log: [1, 1] } };
      const first = await put(saver, threadId, { log: ["start"] });
      await saver.putWrites(first, [["log", "second"]], "task");
      const second = await put(saver, threadId, { list: ["second"] }, first, delta);
      await saver.putWrites(second, [["log", "third"]], "task");
      const third = await put(saver, threadId, { list: ["third"] }, second, delta);
      const history = await readLog(third);
      expect(history.writes.length).toBe(2);
      await saver.rollback(threadId, { to: idOf(first), discard: true });
      if (prunes === "prune") await saver.prune([threadId], { strategy: "keep_latest" });
      else await startThread(database.openSaver({ keepLast: 1 }), threadId, 40);
      await saver.undoRollback(threadId);
      expect(await readLog(third)).toEqual(history);
      await expectSound(threadId);
    }
  });

  it("is the parent of what a run puts that was under way, also once it cannot come back any more", async () => {
    const running = database.openSaverElsewhere();
    const saver = database.openSaver();
    const configs = await startThread(running, "under way", 4);
    await saver.rollback("under way", { to: idOf(configs[1]!), discard: true });
    const late = await put(running, "under way", { list: ["late"] }, configs[3]);
    await expectSound("under way");
    await put(saver, "under way", { list: ["further"] }, late);
    time.passMinutes(8 * DAY_MINUTES);
    await database.openSaver().sweep({ threadId: "under way" });
    const left = await database.readAll("under way");
    expect(left.filter(({ kind }) => kind === "discarded")).toEqual([]);
    await expectSound("under way");
  });

  it("leaves no gap behind what was pruned before", async () => {
    const running = database.openSaverElsewhere();
    const saver = database.openSaver();
    const configs = await startThread(running, "gap", 4);
    await saver.prune(["gap"], { strategy: "keep_latest" });
    const further = await put(saver, "gap", { list: ["further"] }, configs[3]);
    await put(saver, "gap", { list: ["and further"] }, further);
    await saver.rollback("gap", { to: idOf(configs[3]!), discard: true });
    // A child of a pruned checkpoint, behind the places that are free now.
    await put(running, "gap", { list: ["late"] }, configs[1]);
    await expectSound("gap");
    time.passMinutes(8 * DAY_MINUTES);
    await saver.sweep({ threadId: "gap" });
    await expectSound("gap");
  });

  it("comes back to its place if the run that put it puts it again", async () => {
    const running = database.openSaverElsewhere();
    const saver = database.openSaver();
    const first = await put(running, "again", { list: ["first"] });
    const checkpoint = makeCheckpoint({ list: ["second"] });
    const putSecond = () =>
      running.put(first, checkpoint, makeMetadata(), checkpoint.channel_versions);
    const second = await putSecond();
    await put(running, "again", { list: ["third"] }, second);
    const { config } = await saver.rollback("again", { to: idOf(first), discard: true });
    expect(await putSecond()).toEqual(second);
    const cold = database.openSaver();
    expect((await cold.getTuple(second))?.checkpoint.channel_values).toEqual({ list: ["second"] });
    expect((await cold.getTuple(threadConfig("again")))?.config).toEqual(config);
    await expectSound("again");
    await saver.undoRollback("again");
    await expectSound("again");
  });

  it("goes with the run that put it", async () => {
    const saver = database.openSaver();
    const first = await put(saver, "run", { list: ["first"] });
    await put(saver, "run", { list: ["of the run"] }, first, {}, "run to forget");
    await saver.rollback("run", { to: idOf(first), discard: true });
    expect(await saver.deleteForRuns(["run to forget"])).toMatchObject({ checkpoints: 1 });
    expect((await database.readAll("run")).filter(({ kind }) => kind === "discarded")).toEqual([]);
    await expectSound("run");
  });
});

describe("deleteForRuns at the latest checkpoint", () => {
  it("takes along what a rollback to it has discarded, and the rollback cannot be undone any more", async () => {
    const saver = database.openSaver();
    const first = await put(saver, "backup", { list: ["first"] });
    const branch = await put(saver, "backup", { list: ["branch"] }, first, {}, "branch run");
    const second = await put(saver, "backup", { list: ["second"] }, first);
    await put(saver, "backup", { list: ["third"] }, second);
    await saver.rollback("backup", { to: idOf(branch), discard: true });
    expect(await saver.deleteForRuns(["branch run"])).toMatchObject({ checkpoints: 3 });
    expect((await saver.getTuple(threadConfig("backup")))?.config).toEqual(first);
    await expect(saver.undoRollback("backup")).rejects.toThrow(CheckpointNotFoundError);
    await expectSound("backup");
  });
});

it("a process that goes on from what others put and pruned since makes its checkpoint the latest", async () => {
  const former = database.openSaver();
  const other = database.openSaverElsewhere();
  const first = await put(former, "handed over", { list: ["first"] });
  const second = await put(other, "handed over", { list: ["second"] }, first);
  const third = await put(other, "handed over", { list: ["third"] }, second);
  await other.prune(["handed over"], { strategy: "keep_latest" });
  // It is handed the config, and does not read the thread.
  const last = await put(former, "handed over", { list: ["last"] }, third);
  for (const saver of [former, other, database.openSaver()]) {
    expect((await saver.getTuple(threadConfig("handed over")))?.config).toEqual(last);
  }
  await expectSound("handed over");
});

it("a thread can be created by a process that has read it in vain", async () => {
  const saver = database.openSaver();
  expect(await saver.getTuple(threadConfig("read in vain"))).toBeUndefined();
  const metadata = { user: "ada" };
  expect(await saver.threads.create("read in vain", { metadata })).toMatchObject({ metadata });
  expect(await saver.threads.get("read in vain")).toMatchObject({ status: "idle", metadata });
});

it("a checkpoint whose parent was pruned is undamaged after another content was put for it", async () => {
  const knowing = database.openSaver();
  const first = await put(knowing, "put again", { list: ["first"] });
  const checkpoint = makeCheckpoint({ list: ["second"] });
  const putSecond = (values: Record<string, unknown>) =>
    knowing.put(
      first,
      { ...checkpoint, channel_values: values },
      makeMetadata(),
      checkpoint.channel_versions,
    );
  await putSecond({ list: ["second"] });
  await database.openSaver().prune(["put again"], { strategy: "keep_latest" });
  await putSecond({ list: ["another"] });
  await expectSound("put again");
});

it("of rollbacks by processes whose clocks differ, the last one is undone first", async () => {
  const saver = database.openSaver();
  const configs = await startThread(saver, "clocks", 4);
  const { config } = await saver.rollback("clocks", { to: idOf(configs[2]!) });
  const records = database.documents("thread");
  const [record] = await records.find({ thread_id: "clocks" }).toArray();
  const [name] = Object.keys(record!["rollbacks"] as object);
  const inTenSeconds = new Date(Date.now() + 10_000);
  const change = { $set: { [`rollbacks.${name}.at`]: inTenSeconds } };
  await records.updateOne({ thread_id: "clocks" }, change);
  await saver.rollback("clocks", { to: idOf(configs[0]!) });
  expect(await saver.undoRollback("clocks")).toEqual(config);
});

async function startThread(
  saver: MongoDBSaver,
  threadId: string,
  count: number,
): Promise<readonly RunnableConfig[]> {
  const configs: RunnableConfig[] = [];
  for (let step = 0; step < count; step += 1) {
    const list = Array.from({ length: step + 1 }, (_, index) => String(index));
    configs.push(await put(saver, threadId, { list }, configs.at(-1)));
  }
  return configs;
}

function put(
  saver: MongoDBSaver,
  threadId: string,
  values: Record<string, unknown>,
  parent: RunnableConfig = threadConfig(threadId),
  metadata: Record<string, unknown> = {},
  runId?: string,
): Promise<RunnableConfig> {
  const checkpoint = makeCheckpoint(values, { id: uuid6(0) });
  const config = { ...parent, ...(runId !== undefined && { metadata: { run_id: runId } }) };
  return saver.put(config, checkpoint, makeMetadata(metadata), checkpoint.channel_versions);
}

async function readLog(config: RunnableConfig) {
  const request = { config, channels: ["log"] };
  return (await database.openSaver().getDeltaChannelHistory(request))["log"]!;
}

function idOf(config: RunnableConfig): string {
  return config.configurable!["checkpoint_id"] as string;
}

async function expectSound(threadId: string): Promise<void> {
  expect((await database.openSaver().verifyThread(threadId)).damages).toEqual([]);
}
