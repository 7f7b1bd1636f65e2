import type { RunnableConfig } from "@langchain/core/runnables";
import {
  CheckpointNotFoundError,
  InvalidOptionsError,
  LabelNotFoundError,
  LabelTakenError,
  ThreadNotFoundError,
} from "@threadkeep/checkpoint-mongo";
import { expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "../make-checkpoint.ts";
import { COLLECTION, useDatabase } from "../use-database.ts";

const database = useDatabase();
const saver = database.openSaver();

it("a label is listed with its checkpoint, by name, by type and by namespace", async () => {
  const [first, second] = await startThread("list", 2);
  const [nested] = await startThread("list", 1, "child");
  await saver.label(second!, { name: "before payment", type: "before_call" });
  await saver.label(threadConfig("list"), { name: "good" });
  await saver.label(first!, { name: "start", type: "manual" });
  await saver.label(nested!, { name: "good", type: "periodic" });
  const all = await database.openSaver().listLabels("list");
  expect(all.map(({ name, type, checkpointId }) => [name, type, checkpointId])).toEqual([
    ["start", "manual", idOf(first!)],
    ["before payment", "before_call", idOf(second!)],
    ["good", "manual", idOf(second!)],
    ["good", "periodic", idOf(nested!)],
  ]);
  expect(all.every(({ createdAt }) => createdAt instanceof Date)).toBe(true);
  const names = async (filter: Parameters<typeof saver.listLabels>[1]) =>
    (await saver.listLabels("list", filter)).map(({ name, checkpointNs }) => [name, checkpointNs]);
  expect(await names({ type: "before_call" })).toEqual([["before payment", ""]]);
  expect(await names({ name: "good" })).toEqual([
    ["good", ""],
    ["good", "child"],
  ]);
  expect(await names({ name: "good", checkpointNs: "" })).toEqual([["good", ""]]);
  expect((await saver.threads.get("list"))!.labels).toEqual(all);
  expect((await saver.verifyThread("list")).damages).toEqual([]);
});

it("a name that is in use is refused, the same label once more is not", async () => {
  const [first, second] = await startThread("taken", 2);
  const label = await saver.label(first!, { name: "good" });
  expect(await saver.label(first!, { name: "good", type: "manual" })).toEqual(label);
  const before = await database.readAll("taken");
  const error = await saver.label(second!, { name: "good" }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(LabelTakenError);
  expect(error).toMatchObject({ checkpointId: idOf(first!), label: "good" });
  await expect(saver.label(first!, { name: "good", type: "periodic" })).rejects.toThrow(
    LabelTakenError,
  );
  expect(await database.readAll("taken")).toEqual(before);
});

it("of many calls at once that give a name to different checkpoints, one succeeds", async () => {
  const configs = await startThread("race", 8);
  const results = await Promise.allSettled(
    configs.map((config) => database.openSaver().label(config, { name: "one" })),
  );
  expect(results.filter(({ status }) => status === "fulfilled").length).toBe(1);
  expect(await saver.listLabels("race")).toHaveLength(1);
});

it("a label is taken off, and its name is free then", async () => {
  const [first, second] = await startThread("remove", 2);
  await saver.label(first!, { name: "good" });
  await saver.removeLabel("remove", "good");
  expect(await saver.listLabels("remove")).toEqual([]);
  await saver.label(second!, { name: "good" });
  expect((await saver.rollback("remove", { to: "good" })).targetId).toBe(idOf(second!));
  await expect(saver.removeLabel("remove", "bad")).rejects.toThrow(LabelNotFoundError);
});

it("a rollback goes to a label, and a discarded checkpoint frees its name", async () => {
  const [first, , third] = await startThread("back", 3);
  await saver.label(first!, { name: "safe" });
  await saver.label(third!, { name: "last" });
  const { config, targetId } = await saver.rollback("back", { to: "safe", discard: true });
  expect(targetId).toBe(idOf(first!));
  expect((await saver.listLabels("back")).map(({ name }) => name)).toEqual(["safe"]);
  await saver.label(config, { name: "last", type: "periodic" });
  await saver.undoRollback("back");
  // The name stays with the checkpoint that has got it since.
  const labels = await saver.listLabels("back");
  expect(labels.map(({ name, checkpointId }) => [name, checkpointId])).toEqual([
    ["safe", idOf(first!)],
    ["last", idOf(config)],
  ]);
});

it("labels end with the life of their thread", async () => {
  const [first] = await startThread("ended", 1);
  await saver.label(first!, { name: "good" });
  await saver.deleteThread("ended");
  await expect(saver.listLabels("ended")).rejects.toThrow(ThreadNotFoundError);
  const [next] = await startThread("ended", 1);
  expect(await saver.listLabels("ended")).toEqual([]);
  await saver.label(next!, { name: "good" });
});

it("a step without a label has no entry in the index of labels, and a search reads no other", async () => {
  await startThread("index", 30);
  await saver.label(threadConfig("index"), { name: "only" });
  const explained = await database.db
    .collection(COLLECTION)
    .find({ thread_id: "index", labelled: true })
    .explain("executionStats");
  const { totalDocsExamined } = explained["executionStats"] as { totalDocsExamined: number };
  expect(totalDocsExamined).toBe(1);
});

it("bad input is refused with a typed error, and nothing is changed", async () => {
  const [first] = await startThread("bad", 1);
  const before = await database.readAll();
  const wrong = [undefined, {}, { name: "" }, { name: "x", type: "daily" }, { name: "x", tag: 1 }];
  for (const label of wrong) {
    await expect(saver.label(first!, label as never)).rejects.toThrow(InvalidOptionsError);
  }
  const label = { name: "x" };
  await expect(saver.label(threadConfig("nobody"), label)).rejects.toThrow(ThreadNotFoundError);
  const elsewhere = threadConfig("bad", { checkpointId: "nothing" });
  await expect(saver.label(elsewhere, label)).rejects.toThrow(CheckpointNotFoundError);
  await expect(saver.listLabels("nobody")).rejects.toThrow(ThreadNotFoundError);
  await expect(saver.listLabels("bad", { type: "daily" } as never)).rejects.toThrow(
    InvalidOptionsError,
  );
  expect(await database.readAll()).toEqual(before);
});

async function startThread(threadId: string, length: number, namespace = "") {
  const configs: RunnableConfig[] = [];
  let config = threadConfig(threadId, { namespace });
  for (let step = 1; step <= length; step += 1) {
    const checkpoint = makeCheckpoint({ step }, { versions: { step } });
    config = await putCheckpoint(saver, config, checkpoint);
    configs.push(config);
  }
  return configs;
}

function idOf(config: RunnableConfig): string {
  return config.configurable!["checkpoint_id"] as string;
}
