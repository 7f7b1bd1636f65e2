import type { RunnableConfig } from "@langchain/core/runnables";
import { Annotation, START, StateGraph } from "@langchain/langgraph";
import { INTERRUPT, uuid6 } from "@langchain/langgraph-checkpoint";
import { InvalidOptionsError, type MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { stopAfter } from "./stop-after.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const saver = database.openSaver();
const NOTHING = { threads: 0, checkpoints: 0, needed: 0, bytesFreed: 0, bytesToSweep: 0 };

/** What LangGraph's Python conformance suite (0.0.2) asks of `adelete_for_runs`. */
describe("deleteForRuns, as LangGraph's Python suite has it,", () => {
  it("removes the checkpoints of a run, and of several, and leaves those of others", async () => {
    const first = await putAs(saver, "python", "p1");
    const second = await putAs(saver, "python", "p2", first);
    const third = await putAs(saver, "python", "p3", second);
    const elsewhere = await putAs(saver, "python elsewhere", "p4");
    await saver.deleteForRuns(["p1"]);
    expect(await listIds("python")).toEqual([idOf(third), idOf(second)]);
    await saver.deleteForRuns(["p2", "p4"]);
    expect(await listIds("python")).toEqual([idOf(third)]);
    expect(await saver.getTuple(elsewhere)).toBeUndefined();
  });

  it("removes the writes of the checkpoints", async () => {
    const config = await putAs(saver, "python writes", "pw");
    await saver.putWrites(config, [["ch", "val"]], uuid6(0));
    await saver.deleteForRuns(["pw"]);
    expect(await saver.getTuple(config)).toBeUndefined();
    expect(await countOf("writes", "python writes")).toBe(0);
  });

  it("does nothing for no runs and for runs that are not there", async () => {
    expect(await saver.deleteForRuns([])).toEqual(NOTHING);
    expect(await saver.deleteForRuns([uuid6(0)])).toEqual(NOTHING);
  });

  it("removes those of all namespaces", async () => {
    const root = await putAs(saver, "python namespaces", "pn");
    const child = await putAs(saver, "python namespaces", "pn", undefined, "child:1");
    await saver.deleteForRuns(["pn"]);
    for (const config of [root, child]) expect(await saver.getTuple(config)).toBeUndefined();
  });
});

describe("the id of a run", () => {
  it("is kept from a graph's config, and does not get into the metadata of checkpoints", async () => {
    const graph = new StateGraph(Annotation.Root({ count: Annotation<number> }))
      .addNode("add", ({ count }) => ({ count: count + 1 }))
      .addEdge(START, "add")
      .compile({ checkpointer: saver });
    const invoke = (config: RunnableConfig) => graph.invoke({ count: 1 }, config);
    const configurable = { thread_id: "graph" };
    await invoke({ configurable, metadata: { run_id: "g1" } });
    const tuples = await Array.fromAsync(saver.list({ configurable }));
    await invoke({ configurable: { ...configurable, run_id: "g2" } });
    expect(tuples.length).toBeGreaterThan(1);
    for (const { metadata } of tuples) expect(metadata).not.toHaveProperty("run_id");
    const stored = await database.documents("checkpoint").find({ thread_id: "graph" }).toArray();
    expect(new Set(stored.map((document) => document["run_id"] as string))).toEqual(
      new Set(["g1", "g2"]),
    );
    await saver.deleteForRuns(["g2"]);
    const left = await Array.fromAsync(database.openSaver().list({ configurable }));
    expect(left).toEqual(tuples);
    expect((await database.openSaver().verifyThread("graph")).damages).toEqual([]);
    // The thread goes on from the state before the run.
    expect(await invoke({ configurable, metadata: { run_id: "g3" } })).toEqual({ count: 2 });
  });

  it("is under the hash of its checkpoint", async () => {
    const config = await putAs(saver, "hashed", "h1");
    const place = { thread_id: "hashed" };
    for (const change of [{ $set: { run_id: "h2" } }, { $unset: { run_id: "" as const } }]) {
      await database.documents("checkpoint").updateOne(place, change);
      await expect(database.openSaver().getTuple(config)).rejects.toThrow(/hash/);
    }
  });

  it("finds checkpoints in a list, and its checkpoints are found by an index", async () => {
    const first = await putAs(saver, "listed", "l1");
    await putAs(saver, "listed", "l2", first);
    const found = await Array.fromAsync(
      saver.list(threadConfig("listed"), { filter: { run_id: "l1" } }),
    );
    expect(found.map(({ config }) => config)).toEqual([first]);
    const indexes = await database.db.collection("threadkeep_threads").indexes();
    expect(indexes).toContainEqual(expect.objectContaining({ name: "run", key: { run_id: 1 } }));
  });

  it("stays with the checkpoint that a run with durability exit puts again", async () => {
    const first = await putAs(saver, "exit", "e1");
    const tuple = (await saver.getTuple(first))!;
    const again = { ...first, metadata: { run_id: "e2" } };
    await saver.put(again, tuple.checkpoint, tuple.metadata, {});
    await saver.deleteForRuns(["e2"]);
    expect(await listIds("exit")).toEqual([idOf(first)]);
  });
});

describe("a thread of which a run is deleted", () => {
  it("is readable, verified and writable if its head goes, also by a process that knew the head", async () => {
    for (const witness of [false, true]) {
      const settings = { witness };
      const threadId = `head ${witness}`;
      const other = database.openSaverElsewhere(settings);
      const first = await putAs(other, threadId, "stays");
      const second = await putAs(other, threadId, `goes ${threadId}`, first);
      const third = await putAs(other, threadId, `goes ${threadId}`, second);
      const before = await other.getTuple(first);
      const done = await database.openSaver(settings).deleteForRuns([`goes ${threadId}`]);
      expect(done).toMatchObject({ threads: 1, checkpoints: 2 });
      const cold = database.openSaver(settings);
      expect(await cold.getTuple(threadConfig(threadId))).toEqual(before);
      expect((await cold.verifyThread(threadId)).damages).toEqual([]);
      // One process goes on from what is there, and one from what it remembers.
      const next = await putAs(cold, threadId, "next", first);
      expect((await database.openSaver(settings).getTuple(threadConfig(threadId)))!.config).toEqual(
        next,
      );
      await putAs(other, threadId, "late", third);
      expect((await database.openSaver(settings).verifyThread(threadId)).damages).toEqual([]);
    }
  });

  it("still shows the loss of a checkpoint in a place that was taken again", async () => {
    const first = await putAs(saver, "places", "stays");
    const second = await putAs(saver, "places", "goes in places", first);
    await putAs(saver, "places", "goes in places", second);
    await saver.deleteForRuns(["goes in places"]);
    const lost = await putAs(database.openSaver(), "places", "next", first);
    const last = await putAs(database.openSaver(), "places", "next", lost);
    await database.documents("checkpoint").deleteOne({ checkpoint_id: idOf(lost) });
    const { damages } = await database.openSaver().verifyThread("places");
    expect(damages).toMatchObject([{ checkpointId: idOf(last), reason: "missing" }]);
  });

  it("stands where its latest checkpoint says, and is found so", async () => {
    const first = await putAs(saver, "stands", "s1");
    await saver.putWrites(first, [[INTERRUPT, [{ value: "?" }]]], "task");
    await putAs(saver, "stands", "s2", first);
    await saver.deleteForRuns(["s2"]);
    const { threads } = await database.openSaver().threads.search({ status: "interrupted" });
    expect(threads).toMatchObject([{ threadId: "stands", checkpointId: idOf(first) }]);
  });

  it("is there without a checkpoint if all go, with its metadata, and can be written to", async () => {
    await putAs(saver, "all", "a1");
    await saver.threads.update("all", { metadata: { user: "ada" } });
    await saver.deleteForRuns(["a1"]);
    const cold = database.openSaver();
    expect(await cold.getTuple(threadConfig("all"))).toBeUndefined();
    expect((await cold.verifyThread("all")).damages).toEqual([]);
    const { threads } = await cold.threads.search({ metadata: { user: "ada" } });
    expect(threads).toMatchObject([{ threadId: "all", status: "idle" }]);
    const next = await putAs(cold, "all", "a2");
    expect(await listIds("all")).toEqual([idOf(next)]);
    expect(await cold.threads.search({ ids: ["all"] })).toMatchObject({
      threads: [{ checkpointId: idOf(next) }],
    });
  });

  it("keeps what the delta channels of other runs are made of, and says so", async () => {
    let config = threadConfig("delta");
    for (const [step, run] of ["d1", "d1", "d2", "d2"].entries()) {
      const values = step === 0 ? { delta: ["seed"] } : {};
      const counters = step === 0 ? {} : { counters_since_delta_snapshot: { delta: [1, step] } };
      const checkpoint = makeCheckpoint(values, { versions: { delta: step + 1 } });
      const parent = { ...config, metadata: { run_id: run } };
      config = await putCheckpoint(saver, parent, checkpoint, makeMetadata(counters));
      await saver.putWrites(config, [["delta", [`write ${step}`]]], uuid6(0));
    }
    const read = () => database.openSaver().getDeltaChannelHistory({ config, channels: ["delta"] });
    const before = await read();
    expect(await saver.deleteForRuns(["d1"])).toMatchObject({ checkpoints: 0, needed: 2 });
    expect(await read()).toEqual(before);
    expect(await saver.deleteForRuns(["d2"])).toMatchObject({ checkpoints: 2, needed: 0 });
    expect(await saver.deleteForRuns(["d1"])).toMatchObject({ checkpoints: 2, needed: 0 });
  });

  it("is whole wherever the process stops, and a second call finishes it", async () => {
    for (let commands = 0; ; commands += 1) {
      const threadId = `stopped ${commands}`;
      const run = `run ${commands}`;
      const first = await putAs(saver, threadId, "stays");
      const second = await putAs(saver, threadId, run, first);
      await saver.putWrites(second, [["ch", "val"]], "task");
      const third = await putAs(saver, threadId, run, second);
      const done = await stopAfter(database, commands, (stopped) => stopped.deleteForRuns([run]));
      const after = database.openSaver();
      const latest = (await after.getTuple(threadConfig(threadId)))!.config;
      expect([idOf(first), idOf(third)]).toContain(idOf(latest));
      expect((await after.verifyThread(threadId)).damages).toEqual([]);
      const next = await putAs(after, threadId, "next", latest);
      await after.deleteForRuns([run]);
      expect((await listIds(threadId)).filter((id) => id !== idOf(next))).toEqual([idOf(first)]);
      expect((await after.verifyThread(threadId)).damages).toEqual([]);
      if (done) return;
    }
  }, 120_000);
});

it("deleteForRuns of what are no ids is refused", async () => {
  for (const wrong of [undefined, "run", [""], [1], null]) {
    const error = await saver.deleteForRuns(wrong as never).catch((e: unknown) => e);
    expect([wrong, InvalidOptionsError.isInstance(error)]).toEqual([wrong, true]);
  }
});

async function putAs(
  writer: MongoDBSaver,
  threadId: string,
  run: string,
  parent: RunnableConfig = threadConfig(threadId),
  namespace = "",
): Promise<RunnableConfig> {
  const { configurable } = parent;
  const config = {
    configurable: { ...configurable, checkpoint_ns: namespace },
    metadata: { run_id: run },
  };
  return putCheckpoint(writer, config, makeCheckpoint({ list: [run, run] }));
}

function idOf(config: RunnableConfig): string {
  return config.configurable!["checkpoint_id"] as string;
}

async function listIds(threadId: string): Promise<string[]> {
  const tuples = await Array.fromAsync(database.openSaver().list(threadConfig(threadId)));
  return tuples.map(({ checkpoint }) => checkpoint.id);
}

function countOf(kind: "writes", threadId: string): Promise<number> {
  return database.documents(kind).countDocuments({ thread_id: threadId });
}
