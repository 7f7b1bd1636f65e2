import type { RunnableConfig } from "@langchain/core/runnables";
import {
  ERROR,
  INTERRUPT,
  uuid6,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointTuple,
} from "@langchain/langgraph-checkpoint";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

// What LangGraph's Python conformance suite (PyPI langgraph-checkpoint-conformance 0.0.2) asks of a saver, clause by
// clause. What it asks of prune, copy_thread and delete_for_runs stands in the files of these.

const database = useDatabase();
const saver = database.openSaver();

describe("put", () => {
  it("returns the config of what it stored", async () => {
    const checkpoint = makeCheckpoint();
    expect(await saver.put(threadConfig("config"), checkpoint, makeMetadata(), {})).toEqual(
      threadConfig("config", { checkpointId: checkpoint.id }),
    );
  });

  it("round-trips a checkpoint, with values, versions, versions seen and metadata", async () => {
    const values = {
      text: "a",
      number: 42,
      list: [1, 2, 3],
      object: { nested: { deep: true } },
      none: null,
    };
    const checkpoint: Checkpoint = {
      ...makeCheckpoint(values, { versions: { text: 3, number: 5 } }),
      versions_seen: { node1: { a: 1, b: 2 }, node2: { a: 3 } },
    };
    const metadata = makeMetadata({ source: "input", step: -1, own: "x", score: 7 });
    const tuple = await read(await put("round trip", checkpoint, { metadata }));
    expect(tuple.checkpoint).toEqual(checkpoint);
    expect(tuple.metadata).toEqual(metadata);
  });

  it.each(["", "child:abc"])("stores in the namespace %j", async (namespace) => {
    const config = await put(`namespace ${namespace}`, makeCheckpoint(), { namespace });
    expect(config.configurable!["checkpoint_ns"]).toBe(namespace);
    expect((await read(config)).config).toEqual(config);
  });

  it("takes a config without a namespace for one of the root graph", async () => {
    const config = { configurable: { thread_id: "no namespace" } };
    await saver.put(config, makeCheckpoint(), makeMetadata(), {});
    expect(await saver.getTuple(threadConfig("no namespace"))).toBeDefined();
  });

  it("stores several checkpoints of a thread, each with its parent, and keeps threads apart", async () => {
    const first = await put("several", makeCheckpoint());
    const second = await put("several", makeCheckpoint(), { parent: first });
    const elsewhere = await put("several, other", makeCheckpoint());
    expect((await read(second)).parentConfig).toEqual(first);
    expect((await read(first)).parentConfig).toBeUndefined();
    expect(await listIds("several")).toEqual([second, first].map(idOf));
    expect(await listIds("several, other")).toEqual([idOf(elsewhere)]);
  });

  it.each([
    {
      what: "a channel is updated",
      values: { a: "new", b: "b" },
      versions: { a: 2, b: 1 },
      named: { a: 2 },
    },
    {
      what: "a channel is added",
      values: { a: "a", b: "b", c: "c" },
      versions: { a: 1, b: 1, c: 1 },
      named: { c: 1 },
    },
    { what: "a channel is removed", values: { a: "new" }, versions: { a: 2 }, named: { a: 2 } },
  ])("gives the whole state back where $what", async ({ what, values, versions, named }) => {
    const before = { a: "a", b: "b" };
    const first = await put(what, makeCheckpoint(before), { named: { a: 1, b: 1 } });
    const next = makeCheckpoint(values, { versions });
    const second = await put(what, next, { parent: first, named });
    expect((await read(second)).checkpoint.channel_values).toEqual(values);
    expect((await read(first)).checkpoint.channel_values).toEqual(before);
  });

  it("keeps a run_id in the metadata, where the caller has put it there", async () => {
    const metadata = makeMetadata({ run_id: "run" });
    expect((await read(await put("run id", makeCheckpoint(), { metadata }))).metadata).toEqual(
      metadata,
    );
  });
});

describe("getTuple", () => {
  it("finds nothing in a thread that is not there, nor a checkpoint that is not", async () => {
    expect(await saver.getTuple(threadConfig("nowhere"))).toBeUndefined();
    await put("somewhere", makeCheckpoint());
    const missing = threadConfig("somewhere", { checkpointId: uuid6(0) });
    expect(await saver.getTuple(missing)).toBeUndefined();
  });

  it("finds the latest without an id, and each by its id", async () => {
    const first = await put("by id", makeCheckpoint());
    const second = await put("by id", makeCheckpoint(), { parent: first });
    expect((await read(threadConfig("by id"))).config).toEqual(second);
    expect((await read(first)).config).toEqual(first);
  });

  it("returns config, checkpoint, metadata, parent and pending writes", async () => {
    const first = await put("fields", makeCheckpoint());
    const metadata = makeMetadata({ source: "loop", step: 3 });
    const checkpoint = makeCheckpoint({ a: 1 });
    const second = await put("fields", checkpoint, { parent: first, metadata });
    await saver.putWrites(second, [["ch", { v: 1 }]], "task");
    expect(await read(threadConfig("fields"))).toEqual({
      config: second,
      checkpoint,
      metadata,
      parentConfig: first,
      pendingWrites: [["task", "ch", { v: 1 }]],
    });
  });

  it("keeps namespaces apart", async () => {
    const root = await put("apart", makeCheckpoint());
    const child = await put("apart", makeCheckpoint(), { namespace: "child:1" });
    expect((await read(threadConfig("apart"))).config).toEqual(root);
    expect((await read(threadConfig("apart", { namespace: "child:1" }))).config).toEqual(child);
  });
});

describe("list", () => {
  it("lists all checkpoints of a thread and namespace, the latest first, and none of others", async () => {
    const { ids } = await fill("list");
    await put("list", makeCheckpoint(), { namespace: "child:1" });
    await put("list, other", makeCheckpoint());
    expect(await listIds("list")).toEqual(ids.toReversed());
    expect(await listIds("list", { namespace: "child:1" })).toHaveLength(1);
    expect(await listIds("list, not there")).toEqual([]);
  });

  it.each([
    [{ source: "input" }, [2, 0]],
    [{ source: "loop" }, [3, 1]],
    [{ step: 1 }, [1]],
    [{ source: "input", step: 2 }, [2]],
    [{ source: "update", step: 99 }, []],
    [{ score: 3 }, [3]],
    [{ score: 2, run_id: "run 2" }, [2]],
  ])("by the metadata %j", async (filter, expected) => {
    const threadId = `filter ${JSON.stringify(filter)}`;
    const { ids } = await fill(threadId);
    expect(await listIds(threadId, { filter })).toEqual(expected.map((index) => ids[index]));
  });

  it("before a checkpoint, and up to a limit", async () => {
    const { ids } = await fill("pages");
    const before = threadConfig("pages", { checkpointId: ids[2]! });
    expect(await listIds("pages", { before })).toEqual([ids[1], ids[0]]);
    expect(await listIds("pages", { limit: 1 })).toEqual([ids[3]]);
    expect(await listIds("pages", { limit: 2 })).toEqual([ids[3], ids[2]]);
    expect(await listIds("pages", { before, limit: 1 })).toEqual([ids[1]]);
  });

  it("returns pending writes too", async () => {
    const config = await put("listed writes", makeCheckpoint());
    await saver.putWrites(config, [["ch", "val"]], "task");
    const [tuple] = await Array.fromAsync(saver.list(threadConfig("listed writes")));
    expect(tuple!.pendingWrites).toEqual([["task", "ch", "val"]]);
  });
});

describe("putWrites", () => {
  it("stores several writes of several tasks, with channel, value and task", async () => {
    const config = await put("tasks", makeCheckpoint());
    await saver.putWrites(
      config,
      [
        ["a", 1],
        ["b", { data: 123 }],
        ["a", 2],
      ],
      "task 1",
    );
    await saver.putWrites(config, [["a", "other"]], "task 2", "a:b:c");
    expect((await read(config)).pendingWrites).toEqual([
      ["task 1", "a", 1],
      ["task 1", "b", { data: 123 }],
      ["task 1", "a", 2],
      ["task 2", "a", "other"],
    ]);
  });

  it("stores a task's writes once, however often it is called", async () => {
    const config = await put("once", makeCheckpoint());
    for (let call = 0; call < 2; call += 1) await saver.putWrites(config, [["ch", "val"]], "task");
    expect((await read(config)).pendingWrites).toEqual([["task", "ch", "val"]]);
  });

  it("stores errors and interrupts", async () => {
    const config = await put("special", makeCheckpoint());
    const reason = { reason: "human_input" };
    await saver.putWrites(
      config,
      [
        [ERROR, "wrong"],
        [INTERRUPT, reason],
      ],
      "task",
    );
    const { pendingWrites } = await read(config);
    expect(pendingWrites).toHaveLength(2);
    expect(pendingWrites).toContainEqual(["task", ERROR, "wrong"]);
    expect(pendingWrites).toContainEqual(["task", INTERRUPT, reason]);
  });

  it("keeps namespaces apart, and the next checkpoint begins without writes", async () => {
    const root = await put("writes", makeCheckpoint());
    const child = await put("writes", makeCheckpoint(), { namespace: "child:1" });
    await saver.putWrites(root, [["ch", "root"]], "task");
    await saver.putWrites(child, [["ch", "child"]], "task");
    expect((await read(root)).pendingWrites).toEqual([["task", "ch", "root"]]);
    expect((await read(child)).pendingWrites).toEqual([["task", "ch", "child"]]);
    const next = await put("writes", makeCheckpoint(), { parent: root });
    expect((await read(next)).pendingWrites).toEqual([]);
  });
});

describe("deleteThread", () => {
  it("removes checkpoints and writes of all namespaces, and nothing of other threads", async () => {
    const root = await put("deleted", makeCheckpoint());
    const child = await put("deleted", makeCheckpoint(), { namespace: "child:1" });
    for (const config of [root, child]) await saver.putWrites(config, [["ch", "v"]], "task");
    const other = await put("not deleted", makeCheckpoint());
    await saver.deleteThread("deleted");
    for (const config of [root, child]) expect(await saver.getTuple(config)).toBeUndefined();
    for (const kind of ["checkpoint", "writes", "segment"] as const) {
      expect(await database.documents(kind).countDocuments({ thread_id: "deleted" })).toBe(0);
    }
    expect(await saver.getTuple(other)).toBeDefined();
  });

  it("of a thread that is not there does nothing", async () => {
    await expect(saver.deleteThread("never there")).resolves.toBeUndefined();
  });
});

interface PutOptions {
  readonly parent?: RunnableConfig;
  readonly namespace?: string;
  readonly metadata?: ReturnType<typeof makeMetadata>;
  readonly named?: ChannelVersions;
}

function put(
  threadId: string,
  checkpoint: Checkpoint,
  { parent, namespace = "", metadata = makeMetadata(), named }: PutOptions = {},
): Promise<RunnableConfig> {
  const config = parent ?? threadConfig(threadId, { namespace });
  return saver.put(config, checkpoint, metadata, named ?? checkpoint.channel_versions);
}

/** Reads with a saver that remembers nothing. */
async function read(config: RunnableConfig): Promise<CheckpointTuple> {
  return (await database.openSaver().getTuple(config))!;
}

async function listIds(
  threadId: string,
  { namespace = "", ...options }: { namespace?: string } & Parameters<typeof saver.list>[1] = {},
): Promise<string[]> {
  const tuples = await Array.fromAsync(
    database.openSaver().list(threadConfig(threadId, { namespace }), options),
  );
  return tuples.map(({ checkpoint }) => checkpoint.id);
}

async function fill(threadId: string): Promise<{ readonly ids: readonly string[] }> {
  const ids: string[] = [];
  let parent: RunnableConfig | undefined;
  for (let step = 0; step < 4; step += 1) {
    const source = step % 2 === 0 ? "input" : "loop";
    const metadata = makeMetadata({ source, step, score: step, run_id: `run ${step}` });
    parent = await put(threadId, makeCheckpoint(), { metadata, ...(parent && { parent }) });
    ids.push(idOf(parent));
  }
  return { ids };
}

function idOf(config: RunnableConfig): string {
  return config.configurable!["checkpoint_id"] as string;
}
