import type { RunnableConfig } from "@langchain/core/runnables";
import type { CheckpointListOptions } from "@langchain/langgraph-checkpoint";
import { beforeAll, describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const saver = database.openSaver();
const METADATA: readonly Record<string, unknown>[] = [
  { source: "input", user: { name: "ada", tags: ["x", "y"] }, nothing: null },
  { source: "loop", user: { name: "ada" }, score: 1.5 },
  { source: "loop", user: { name: "bob", tags: ["y", "x"] }, score: -0, "dotted.key": 1 },
  { source: "update", list: ["x"], $operator: 1, when: new Date(0), big: 1n },
  { source: "loop", list: ["x", "y"], nested: { $gt: 0 }, lone: "\ud800" },
];

async function list(config: RunnableConfig, options?: CheckpointListOptions): Promise<string[]> {
  const ids: string[] = [];
  // A filter must not depend on what the reader has in memory.
  for (const reader of [saver, database.openSaver()]) {
    const tuples = await Array.fromAsync(reader.list(config, options));
    ids.splice(0, ids.length, ...tuples.map(({ checkpoint }) => checkpoint.id));
  }
  return ids;
}

const thread = threadConfig("listed");

beforeAll(async () => {
  let parent = thread;
  for (const [index, metadata] of METADATA.entries()) {
    parent = await putCheckpoint(
      saver,
      parent,
      makeCheckpoint({ a: index }, { id: `a${index}` }),
      makeMetadata(metadata),
    );
    await saver.putWrites(parent, [["a", index + 1]], "task");
  }
  const namespace = threadConfig("listed", { namespace: "sub:1" });
  await putCheckpoint(saver, namespace, makeCheckpoint({ s: 1 }, { id: "b1" }));
  await putCheckpoint(saver, threadConfig("another"), makeCheckpoint({ o: 1 }, { id: "c1" }));
});

describe("list", () => {
  it("gives a namespace's checkpoints, newest first, with everything getTuple gives", async () => {
    const tuples = await Array.fromAsync(saver.list(thread));
    expect(tuples.map(({ checkpoint }) => checkpoint.id)).toEqual(["a4", "a3", "a2", "a1", "a0"]);
    for (const tuple of tuples) expect(await saver.getTuple(tuple.config)).toEqual(tuple);
  });

  it("gives all namespaces of a thread, or all threads, if the config leaves them open", async () => {
    expect(await list({ configurable: { thread_id: "listed" } })).toEqual([
      "b1",
      "a4",
      "a3",
      "a2",
      "a1",
      "a0",
    ]);
    expect(await list({})).toEqual(["c1", "b1", "a4", "a3", "a2", "a1", "a0"]);
    expect(await list({ configurable: { checkpoint_ns: "" } }, { limit: 2 })).toEqual(["c1", "a4"]);
  });

  it("gives just the checkpoint that the config names", async () => {
    expect(await list(threadConfig("listed", { checkpointId: "a2" }))).toEqual(["a2"]);
  });

  it("stops at the limit, and asks for nothing with limit 0", async () => {
    expect(await list(thread, { limit: 2 })).toEqual(["a4", "a3"]);
    expect(await list(thread, { limit: 100 })).toHaveLength(5);
    const commands = await database.recordCommands(async () => {
      expect(await Array.fromAsync(saver.list(thread, { limit: 0 }))).toEqual([]);
    });
    expect(commands).toEqual([]);
  });

  it("gives only what comes before another checkpoint", async () => {
    const before = threadConfig("listed", { checkpointId: "a3" });
    expect(await list(thread, { before })).toEqual(["a2", "a1", "a0"]);
    expect(await list(thread, { before, limit: 1 })).toEqual(["a2"]);
    expect(await list(thread, { before: threadConfig("listed") })).toHaveLength(5);
  });

  it.each<[string, Record<string, unknown>, string[]]>([
    ["a scalar", { source: "loop" }, ["a4", "a2", "a1"]],
    ["several keys", { source: "loop", score: 1.5 }, ["a1"]],
    ["null, which a missing key is not", { nothing: null }, ["a0"]],
    ["undefined, which no metadata has", { nothing: undefined }, []],
    ["an object, compared as a whole", { user: { name: "ada" } }, ["a1"]],
    ["an object with an array", { user: { name: "ada", tags: ["x", "y"] } }, ["a0"]],
    ["an array, compared in order", { list: ["x", "y"] }, ["a4"]],
    ["an element, which is not its array", { list: "x" }, []],
    ["an object like an operator, as data", { nested: { $gt: 0 } }, ["a4"]],
    ["an operator, as data", { score: { $gt: 0 } }, []],
    ["a key like an operator", { $operator: 1 }, ["a3"]],
    ["a key with a dot", { "dotted.key": 1 }, ["a2"]],
    ["a path, which is not a key", { "user.name": "ada" }, []],
    ["a date", { when: new Date(0) }, ["a3"]],
    ["a bigint", { big: 1n }, ["a3"]],
    ["a negative zero", { score: -0 }, ["a2"]],
    ["a lone surrogate", { lone: "\ud800" }, ["a4"]],
    ["nothing", {}, ["a4", "a3", "a2", "a1", "a0"]],
    ["a value that none has", { source: "fork" }, []],
  ])("filters by %s", async (_name, filter, expected) => {
    expect(await list(thread, { filter })).toEqual(expected);
  });

  it("counts the limit after the filter", async () => {
    expect(await list(thread, { filter: { user: { name: "ada" } }, limit: 1 })).toEqual(["a1"]);
    expect(await list(thread, { filter: { source: "loop" }, limit: 2 })).toEqual(["a4", "a2"]);
  });

  it("may be left early, and reads on while the thread grows", async () => {
    const config = threadConfig("growing");
    let parent = config;
    for (const id of ["1", "2", "3"]) {
      parent = await putCheckpoint(saver, parent, makeCheckpoint({ a: id }, { id }));
    }
    const seen: string[] = [];
    for await (const { checkpoint } of saver.list(config)) {
      seen.push(checkpoint.id);
      if (seen.length === 1) {
        await putCheckpoint(saver, parent, makeCheckpoint({ a: "4" }, { id: "4" }));
      }
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(["3", "2"]);
  });
});
