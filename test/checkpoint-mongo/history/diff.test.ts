import { AIMessage, HumanMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  CheckpointNotFoundError,
  CorruptCheckpointError,
  InvalidAddressError,
  ThreadNotFoundError,
} from "@threadkeep/checkpoint-mongo";
import { expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "../make-checkpoint.ts";
import { useDatabase } from "../use-database.ts";

const database = useDatabase();
const saver = database.openSaver();

it("channels that were added, removed and changed are told with their values", async () => {
  const [a, b] = await putStates("values", [
    { same: { x: 1 }, gone: 1, count: 1, text: "a".repeat(500), __start__: 1 },
    { same: { x: 1 }, come: [1], count: 2, text: "b".repeat(500), "branch:to:node": null },
  ]);
  expect(await database.openSaver().diff(a!, b!)).toEqual({
    before: a,
    after: b,
    channels: [
      { channel: "gone", change: "removed", before: 1 },
      { channel: "count", change: "changed", before: 1, after: 2 },
      { channel: "text", change: "changed", before: "a".repeat(500), after: "b".repeat(500) },
      { channel: "come", change: "added", after: [1] },
    ],
  });
  expect((await saver.diff(a!, a!)).channels).toEqual([]);
  // The config of a thread means its latest checkpoint.
  expect((await saver.diff(b!, threadConfig("values"))).channels).toEqual([]);
});

it("messages are told as appended, inserted, removed and changed", async () => {
  const message = (id: string, text = `text of ${id} `.repeat(30)) =>
    new HumanMessage({ id, content: text });
  const [a, b, c] = await putStates("messages", [
    { messages: [message("1"), message("2"), message("3")] },
    {
      messages: [
        message("1"),
        message("2"),
        message("3"),
        new AIMessage({ id: "4", content: "4" }),
      ],
    },
    { messages: [message("0"), message("1"), message("3", "edited"), message("5")] },
  ]);
  const nothing = { inserted: [], removed: [], changed: [], appended: [] };
  const diff = (x: RunnableConfig, y: RunnableConfig) => database.openSaver().diff(x, y);
  expect((await diff(a!, b!)).channels).toEqual([
    {
      channel: "messages",
      change: "items",
      ...nothing,
      appended: [new AIMessage({ id: "4", content: "4" })],
    },
  ]);
  const { channels } = await diff(b!, c!);
  expect(channels).toEqual([
    {
      channel: "messages",
      change: "items",
      appended: [message("5")],
      inserted: [message("0")],
      removed: [message("2"), new AIMessage({ id: "4", content: "4" })],
      changed: [{ before: message("3"), after: message("3", "edited") }],
    },
  ]);
});

it("only contents that differ are read: the rest may even be missing", async () => {
  const long = (name: string) =>
    Array.from({ length: 40 }, (_, index) => `${name} ${index} `.repeat(20));
  const [a, b] = await putStates("reads", [
    { big: long("big"), other: long("other"), list: long("list") },
    { big: long("big"), other: [...long("changed")], list: long("list") },
  ]);
  const all = await database.documents("segment").countDocuments({ thread_id: "reads" });
  expect(all).toBe(4);
  const found: number[] = [];
  const listen = ({ reply }: { reply: unknown }) => {
    const { cursor } = reply as { cursor?: { firstBatch?: { kind?: string }[] } };
    found.push((cursor?.firstBatch ?? []).filter(({ kind }) => kind === "segment").length);
  };
  database.client.on("commandSucceeded", listen);
  const { channels } = await database.openSaver().diff(a!, b!);
  database.client.off("commandSucceeded", listen);
  expect(channels.map(({ channel }) => channel)).toEqual(["other"]);
  expect(found.reduce((sum, count) => sum + count, 0)).toBe(2);
});

it("checkpoints of different threads are compared, and equal contents are not read", async () => {
  const state = { list: Array.from({ length: 50 }, (_, index) => `item ${index} `.repeat(20)) };
  const [a] = await putStates("one", [{ ...state, name: "one" }]);
  const [b] = await putStates("two", [{ ...state, name: "two" }]);
  await database.documents("segment").deleteMany({ thread_id: { $in: ["one", "two"] } });
  expect((await database.openSaver().diff(a!, b!)).channels).toEqual([
    { channel: "name", change: "changed", before: "one", after: "two" },
  ]);
});

it("bad input is refused with a typed error", async () => {
  const [a, b] = await putStates("bad", [{ text: "a".repeat(999) }, { text: "b".repeat(999) }]);
  await expect(saver.diff(a!, threadConfig("nobody"))).rejects.toThrow(ThreadNotFoundError);
  const missing = threadConfig("bad", { checkpointId: "missing" });
  await expect(saver.diff(missing, a!)).rejects.toThrow(CheckpointNotFoundError);
  await expect(saver.diff({}, a!)).rejects.toThrow(InvalidAddressError);
  await database.documents("segment").deleteMany({ thread_id: "bad" });
  await expect(database.openSaver().diff(a!, b!)).rejects.toThrow(CorruptCheckpointError);
});

async function putStates(threadId: string, states: readonly Record<string, unknown>[]) {
  const configs: RunnableConfig[] = [];
  let config = threadConfig(threadId);
  for (const [version, state] of states.entries()) {
    const versions = Object.fromEntries(Object.keys(state).map((name) => [name, version + 1]));
    config = await putCheckpoint(saver, config, makeCheckpoint(state, { versions }));
    configs.push(config);
  }
  return configs;
}
