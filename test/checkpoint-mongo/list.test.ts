import type { RunnableConfig } from "@langchain/core/runnables";
import type { CheckpointListOptions } from "@langchain/langgraph-checkpoint";
import type { CommandSucceededEvent, Document } from "mongodb";
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

/** What the server answers to a `find`. */
interface FindReply {
  readonly cursor: { readonly firstBatch: readonly Document[] };
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
    ["undefined, which does not count", { source: "loop", nothing: undefined }, ["a4", "a2", "a1"]],
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

  it.each<[string, Record<string, unknown>]>([
    ["a scalar", { source: "loop" }],
    ["several keys", { source: "loop", score: 1.5 }],
    ["a nested object", { user: { name: "ada", tags: ["x", "y"] } }],
    ["an array", { list: ["x", "y"] }],
    ["a value that none has", { source: "fork" }],
  ])("has the server filter by %s, and so gets no checkpoint in vain", async (_name, filter) => {
    let sent = 0;
    const count = ({ reply }: CommandSucceededEvent) => {
      const { firstBatch } = (reply as FindReply).cursor;
      sent += firstBatch.filter(({ kind }) => kind === "checkpoint").length;
    };
    database.client.on("commandSucceeded", count);
    const tuples = await Array.fromAsync(saver.list(thread, { filter }));
    database.client.off("commandSucceeded", count);
    expect(sent).toBe(tuples.length);
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

describe("a list of 250 checkpoints, which is longer than a page", () => {
  const LENGTH = 250;
  const PAGE_SIZE = 100;
  const long = threadConfig("long");
  const steps = Array.from({ length: LENGTH }, (_, step) => step);
  const newestFirst = steps.map(makeId).toReversed();

  function makeId(step: number): string {
    return String(step).padStart(3, "0");
  }

  /** Every 50 checkpoints, its channel is too large for the checkpoint and it has a pending write. */
  function isLarge(step: number): boolean {
    return step % 50 === 0;
  }

  function makeValues(step: number) {
    return isLarge(step) ? { list: [`item ${step} `.repeat(50)] } : { a: step };
  }

  beforeAll(async () => {
    let parent = long;
    for (const step of steps) {
      const checkpoint = makeCheckpoint(makeValues(step), { id: makeId(step) });
      const metadata = makeMetadata({ isEven: step % 2 === 0 });
      parent = await putCheckpoint(saver, parent, checkpoint, metadata);
      if (isLarge(step)) await saver.putWrites(parent, [["list", step]], "task");
    }
  });

  it("is whole and in order, and takes at most three commands a page, and one for the thread", async () => {
    const cold = database.openSaver();
    await cold.setup();
    const commands = await database.recordCommands(async () => {
      const tuples = await Array.fromAsync(cold.list(long));
      expect(tuples.map(({ checkpoint }) => checkpoint.id)).toEqual(newestFirst);
      const oldestFirst = tuples.toReversed();
      expect(oldestFirst.map(({ checkpoint }) => checkpoint.channel_values)).toEqual(
        steps.map(makeValues),
      );
      expect(oldestFirst.map(({ pendingWrites }) => pendingWrites)).toEqual(
        steps.map((step) => (isLarge(step) ? [["task", "list", step]] : [])),
      );
    });
    expect(commands.length).toBeLessThanOrEqual(3 * Math.ceil(LENGTH / PAGE_SIZE) + 1);
  });

  it("asks for a page when its first checkpoint is wanted, no sooner", async () => {
    const pagesAsked: number[] = [];
    let pages = 0;
    const count = ({ commandName }: { commandName: string }) => {
      if (commandName === "getMore") pages += 1;
    };
    database.client.on("commandStarted", count);
    for await (const _tuple of saver.list(long)) {
      pagesAsked.push(pages);
      if (pagesAsked.length === PAGE_SIZE + 1) break;
    }
    database.client.off("commandStarted", count);
    expect(pagesAsked).toEqual([...Array.from({ length: PAGE_SIZE }, () => 0), 1]);
  });

  it("goes over the page's end with a limit, a filter and a place to begin as well", async () => {
    expect(await list(long, { limit: 150 })).toEqual(newestFirst.slice(0, 150));
    const before = threadConfig("long", { checkpointId: makeId(200) });
    expect(await list(long, { before })).toEqual(newestFirst.slice(50));
    const even = newestFirst.filter((id) => Number(id) % 2 === 0);
    expect(await list(long, { filter: { isEven: true } })).toEqual(even);
    expect(await list(long, { filter: { isEven: true }, limit: 110 })).toEqual(even.slice(0, 110));
  });
});
