import { HumanMessage } from "@langchain/core/messages";
import {
  Annotation,
  Command,
  DeltaChannel,
  interrupt,
  messagesDeltaReducer,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { INTERRUPT, uuid6 } from "@langchain/langgraph-checkpoint";
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  InvalidOptionsError,
  PruneRefusedError,
  type MongoDBSaver,
  type PruneOptions,
} from "@threadkeep/checkpoint-mongo";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { stopAfter } from "./stop-after.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const saver = database.openSaver();
const KEEP_LATEST = { strategy: "keep_latest" } as const;

/** What LangGraph's Python conformance suite (0.0.2) asks of `aprune`. */
describe("prune, as LangGraph's Python suite has it,", () => {
  it("keeps only the latest checkpoint of a thread", async () => {
    const configs = await startThread("single", 4);
    await saver.prune(["single"], KEEP_LATEST);
    expect(await listIds("single")).toEqual([idOf(configs[3]!)]);
  });

  it("keeps the latest of each of several threads", async () => {
    const first = await startThread("several 1", 3);
    const second = await startThread("several 2", 2);
    await saver.prune(["several 1", "several 2"], KEEP_LATEST);
    expect(await listIds("several 1")).toEqual([idOf(first[2]!)]);
    expect(await listIds("several 2")).toEqual([idOf(second[1]!)]);
  });

  it("keeps the latest of each namespace", async () => {
    const root = await startThread("namespaces", 3);
    const child = await startThread("namespaces", 2, "child:1");
    await saver.prune(["namespaces"], KEEP_LATEST);
    expect(await listIds("namespaces")).toEqual([idOf(root[2]!)]);
    expect(await listIds("namespaces", "child:1")).toEqual([idOf(child[1]!)]);
  });

  it("keeps the writes of the latest checkpoint", async () => {
    const configs = await startThread("writes", 3);
    await saver.putWrites(configs[2]!, [["ch", "val"]], "task");
    await saver.prune(["writes"], KEEP_LATEST);
    const tuple = await saver.getTuple(threadConfig("writes"));
    expect(tuple!.pendingWrites).toEqual([["task", "ch", "val"]]);
  });

  it("removes everything with the strategy delete", async () => {
    await startThread("deleted", 3);
    const result = await saver.prune(["deleted"], { strategy: "delete" });
    expect(result).toMatchObject({ threads: 1, checkpoints: 3 });
    expect(await listIds("deleted")).toEqual([]);
    expect(await saver.threads.get("deleted")).toBeUndefined();
  });

  it("leaves other threads as they are", async () => {
    await startThread("pruned", 3);
    await startThread("untouched", 2);
    const before = await database.readAll("untouched");
    await saver.prune(["pruned"], KEEP_LATEST);
    expect(await database.readAll("untouched")).toEqual(before);
  });

  it("does nothing for no threads, and for threads that are not there", async () => {
    const nothing = { threads: 0, checkpoints: 0, bytesFreed: 0, bytesToSweep: 0, refused: [] };
    expect(await saver.prune([], KEEP_LATEST)).toEqual(nothing);
    for (const strategy of ["keep_latest", "delete"] as const) {
      expect(await saver.prune(["nowhere"], { strategy })).toEqual(nothing);
    }
    expect(await database.readAll("nowhere")).toEqual([]);
  });
});

describe("a pruned thread", () => {
  it("has the same values, is undamaged, and goes on, also by a saver that knew it before", async () => {
    for (const options of [KEEP_LATEST, { strategy: "keep_last", count: 3 } as const]) {
      const threadId = `goes on ${options.strategy}`;
      const other = database.openSaverElsewhere();
      const [last] = (await startThread(threadId, 8)).slice(-1);
      const before = (await other.getTuple(threadConfig(threadId)))!;
      const { checkpoints, bytesFreed } = await saver.prune([threadId], options);
      expect(checkpoints).toBe(options.strategy === "keep_latest" ? 7 : 5);
      expect(bytesFreed).toBeGreaterThan(0);
      for (const reader of [saver, other, database.openSaver()]) {
        expect(await reader.getTuple(threadConfig(threadId))).toEqual(before);
        expect((await reader.verifyThread(threadId)).damages).toEqual([]);
      }
      const next = makeCheckpoint({ list: [...valuesOf(8), "next"] }, { versions: { list: 9 } });
      const config = await putCheckpoint(other, last!, next);
      expect((await database.openSaver().getTuple(config))!.checkpoint).toEqual(next);
      await saver.prune([threadId], KEEP_LATEST);
      expect(await listIds(threadId)).toEqual([next.id]);
      expect((await saver.verifyThread(threadId)).damages).toEqual([]);
    }
  });

  it("still shows the loss of a checkpoint that was not pruned", async () => {
    const configs = await startThread("loss", 6);
    await saver.prune(["loss"], { strategy: "keep_last", count: 4 });
    await database.documents("checkpoint").deleteOne({ checkpoint_id: idOf(configs[4]!) });
    const { damages } = await database.openSaver().verifyThread("loss");
    expect(damages).toMatchObject([{ checkpointId: idOf(configs[5]!), reason: "missing" }]);
  });

  it("is undamaged if a process that still knows a pruned checkpoint puts a child of it", async () => {
    for (const threadId of ["late child", "late child, keyed"]) {
      const integrity = { keys: { k: Buffer.alloc(32, 7) }, currentKeyId: "k" };
      const settings = threadId === "late child" ? {} : { integrity };
      const pruner = database.openSaver(settings);
      const other = database.openSaverElsewhere(settings);
      const configs = await startThread(threadId, 6, "", other);
      await pruner.prune([threadId], KEEP_LATEST);
      const late = makeCheckpoint({ list: [...valuesOf(3), "late"] }, { versions: { list: 9 } });
      const config = await putCheckpoint(other, configs[2]!, late);
      const next = makeCheckpoint({ list: [...valuesOf(3), "next"] }, { versions: { list: 10 } });
      await putCheckpoint(other, config, next);
      expect(await database.documents("checkpoint").countDocuments({ thread_id: threadId })).toBe(
        3,
      );
      const cold = database.openSaver(settings);
      expect((await cold.verifyThread(threadId)).damages).toEqual([]);
      expect((await cold.getTuple(config))!.checkpoint).toEqual(late);
      // A later prune, of which the first mark is a victim, keeps it so.
      await cold.prune([threadId], { strategy: "keep_last", count: 2 });
      expect((await cold.verifyThread(threadId)).damages).toEqual([]);
      // The loss of a checkpoint that no prune removed shows.
      await database.documents("checkpoint").deleteOne({ checkpoint_id: late.id });
      const { damages } = await cold.verifyThread(threadId);
      expect(damages).toMatchObject([{ checkpointId: next.id, reason: "missing" }]);
    }
  });

  it("shows a parent as lost if nothing was pruned, or the mark of a prune is forged", async () => {
    const other = database.openSaverElsewhere();
    const configs = await startThread("forged", 4, "", other);
    await database.documents("checkpoint").deleteOne({ checkpoint_id: idOf(configs[1]!) });
    const last = { checkpoint_id: idOf(configs[3]!) };
    const proof = new Uint8Array(16);
    await database
      .documents("checkpoint")
      .updateOne(last, { $set: { pruned: { through: 2, proof } } });
    await putCheckpoint(other, configs[1]!, makeCheckpoint({ list: ["late"] }));
    expect((await database.openSaver().verifyThread("forged")).damages).toHaveLength(2);
  });

  it("keeps forks apart: each checkpoint that stays has its own values", async () => {
    const configs = await startThread("forks", 3);
    const fork = makeCheckpoint({ list: [...valuesOf(2), "fork"] }, { versions: { list: 7 } });
    await putCheckpoint(saver, configs[1]!, fork);
    const kept = await Array.fromAsync(saver.list(threadConfig("forks"), { limit: 2 }));
    await saver.prune(["forks"], { strategy: "keep_last", count: 2 });
    const cold = database.openSaver();
    expect(await Array.fromAsync(cold.list(threadConfig("forks")))).toEqual(kept);
    expect((await cold.verifyThread("forks")).damages).toEqual([]);
  });

  it("that waits for an answer goes on when it comes", async () => {
    const graph = new StateGraph(Annotation.Root({ answer: Annotation<string> }))
      .addNode("ask", () => ({ answer: interrupt<string, string>("sure?") }))
      .addNode("end", ({ answer }) => ({ answer: `${answer}!` }))
      .addEdge(START, "ask")
      .addEdge("ask", "end")
      .compile({ checkpointer: saver });
    const config = threadConfig("waits");
    await graph.invoke({ answer: "none" }, config);
    await saver.prune(["waits"], KEEP_LATEST);
    expect(await graph.invoke(new Command({ resume: "yes" }), config)).toEqual({ answer: "yes!" });
    expect((await saver.verifyThread("waits")).damages).toEqual([]);
  });

  it("keeps the ancestors that a delta channel is made of, and theirs", async () => {
    let config = threadConfig("delta");
    const configs: RunnableConfig[] = [];
    for (let step = 0; step < 9; step += 1) {
      // A snapshot at every third step, as LangGraph counts.
      const isSnapshot = step % 3 === 0;
      const values = isSnapshot ? { delta: [`seed ${step}`] } : {};
      const counters = isSnapshot
        ? {}
        : { counters_since_delta_snapshot: { delta: [1, step % 3] } };
      const checkpoint = makeCheckpoint(values, { versions: { delta: step + 1 } });
      config = await putCheckpoint(saver, config, checkpoint, makeMetadata(counters));
      await saver.putWrites(config, [["delta", [`write ${step}`]]], uuid6(0));
      configs.push(config);
    }
    const read = () => database.openSaver().getDeltaChannelHistory({ config, channels: ["delta"] });
    const before = await read();
    expect(before["delta"]!.writes).toHaveLength(2);
    await saver.prune(["delta"], KEEP_LATEST);
    expect(await read()).toEqual(before);
    expect(await saver.getDeltaChannelHistory({ config, channels: ["delta"] })).toEqual(before);
    expect(await listIds("delta")).toEqual(configs.slice(6).map(idOf).toReversed());
    expect((await saver.verifyThread("delta")).damages).toEqual([]);
  });

  it("has the messages of a graph with delta channels, before and after it goes on", async () => {
    const Conversation = Annotation.Root({
      messages: new DeltaChannel(messagesDeltaReducer, {
        snapshotFrequency: 4,
        initialValueFactory: () => [],
      }),
    });
    const open = (checkpointer: MongoDBSaver) =>
      new StateGraph(Conversation)
        .addNode("say", () => ({ messages: [new HumanMessage("said")] }))
        .addEdge(START, "say")
        .compile({ checkpointer });
    const config = threadConfig("delta graph");
    const expected: string[] = [];
    let removed = 0;
    for (let turn = 0; turn < 12; turn += 1) {
      await open(saver).invoke({ messages: [new HumanMessage(`turn ${turn}`)] }, config);
      expected.push(`turn ${turn}`, "said");
      removed += (await saver.prune(["delta graph"], KEEP_LATEST)).checkpoints;
      const state = await open(database.openSaver()).getState(config);
      const { messages } = state.values as typeof Conversation.State;
      expect(messages.map(({ content }) => content)).toEqual(expected);
    }
    expect(removed).toBeGreaterThan(12);
    expect((await saver.verifyThread("delta graph")).damages).toEqual([]);
  });

  it("keeps what is younger than an age, and always the latest", async () => {
    const old = new Date(Date.now() - 3_600_000).toISOString();
    let config = threadConfig("age");
    const ids: string[] = [];
    for (const ts of [old, old, new Date().toISOString(), old]) {
      config = await putCheckpoint(saver, config, { ...makeCheckpoint({ list: [ts] }), ts });
      ids.push(idOf(config));
    }
    await saver.prune(["age"], { strategy: "older_than", seconds: 600 });
    expect(await listIds("age")).toEqual([ids[3], ids[2]]);
    expect((await saver.verifyThread("age")).damages).toEqual([]);
  });

  it("is whole wherever the process stops, and a later prune finishes it", async () => {
    for (let commands = 0; ; commands += 1) {
      const threadId = `stopped ${commands}`;
      const configs = await startThread(threadId, 5);
      const forked = makeCheckpoint({ list: ["fork"] }, { versions: { list: 9 } });
      const fork = await putCheckpoint(saver, configs[1]!, forked);
      const prune = (stopped: MongoDBSaver) => stopped.prune([threadId], KEEP_LATEST);
      const done = await stopAfter(database, commands, prune);
      const after = database.openSaver();
      expect((await after.getTuple(threadConfig(threadId)))!.config).toEqual(fork);
      expect((await after.verifyThread(threadId)).damages).toEqual([]);
      await after.prune([threadId], KEEP_LATEST);
      expect(await listIds(threadId)).toEqual([idOf(fork)]);
      if (done) return;
    }
  }, 120_000);

  it("loses no step of a writer that goes on meanwhile", async () => {
    const configs = await startThread("writer", 40);
    const put: string[] = [];
    const write = async () => {
      let config = configs.at(-1)!;
      for (let step = 0; step < 10; step += 1) {
        const list = [...valuesOf(40), ...put];
        const checkpoint = makeCheckpoint({ list }, { versions: { list: 50 + step } });
        config = await putCheckpoint(database.openSaverElsewhere(), config, checkpoint);
        put.push(checkpoint.id);
      }
    };
    const writing = write();
    await saver.prune(["writer"], KEEP_LATEST);
    await writing;
    const ids = await listIds("writer");
    expect(put.every((id) => ids.includes(id))).toBe(true);
    expect((await database.openSaver().verifyThread("writer")).damages).toEqual([]);
  });
});

describe("a prune is refused, and changes nothing,", () => {
  it("if a branch that waits for an answer would go, unless that is wanted", async () => {
    const configs = await startThread("branch", 3);
    const waiting = await putCheckpoint(saver, configs[0]!, makeCheckpoint({ list: ["branch"] }));
    await saver.putWrites(waiting, [[INTERRUPT, [{ value: "?" }]]], "task");
    await putCheckpoint(saver, configs[2]!, makeCheckpoint({ list: ["goes on"] }));
    await startThread("first", 3);
    const before = await database.readAll();
    const error = await saver.prune(["first", "branch"], KEEP_LATEST).catch((e: unknown) => e);
    expect(PruneRefusedError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ threadId: "branch", checkpointId: idOf(waiting) });
    expect(await database.readAll()).toEqual(before);
    const { checkpoints } = await saver.prune(["branch"], { ...KEEP_LATEST, discardWaiting: true });
    expect(checkpoints).toBe(4);
  });

  it("if its strategy or an option of it is not known", async () => {
    await startThread("options", 2);
    const before = await database.readAll("options");
    const wrong: unknown[] = [
      undefined,
      {},
      { strategy: "keep_all" },
      { strategy: "keep_last" },
      { strategy: "keep_last", count: 0 },
      { strategy: "keep_latest", count: 2 },
      { strategy: "older_than", seconds: -1 },
    ];
    for (const options of wrong) {
      const error = await saver
        .prune(["options"], options as PruneOptions)
        .catch((e: unknown) => e);
      expect([options, InvalidOptionsError.isInstance(error)]).toEqual([options, true]);
    }
    await expect(saver.prune(undefined, { strategy: "delete" })).rejects.toThrow(/threadIds/);
    await expect(saver.prune("options" as never, KEEP_LATEST)).rejects.toThrow(/threadIds/);
    expect(await database.readAll("options")).toEqual(before);
  });
});

it("segments that only pruned checkpoints had are marked, and removed by a later prune", async () => {
  let config = threadConfig("segments");
  for (const letter of ["a", "b", "c"]) {
    const text = Array.from({ length: 300 }, (_, index) => letter + Math.sin(index)).join();
    const checkpoint = makeCheckpoint({ text }, { versions: { text: letter.charCodeAt(0) } });
    config = await putCheckpoint(saver, config, checkpoint);
  }
  const { bytesToSweep } = await saver.prune(["segments"], KEEP_LATEST);
  expect(bytesToSweep).toBeGreaterThan(2_000);
  const condemned = { thread_id: "segments", condemned_at: { $exists: true } };
  const { modifiedCount } = await database
    .documents("segment")
    .updateMany(condemned, { $set: { condemned_at: new Date(Date.now() - 700_000) } });
  expect(modifiedCount).toBe(2);
  const { bytesFreed } = await saver.prune(["segments"], KEEP_LATEST);
  expect(bytesFreed).toBe(bytesToSweep);
  expect(await database.documents("segment").countDocuments({ thread_id: "segments" })).toBe(1);
});

function valuesOf(length: number): string[] {
  return Array.from({ length }, (_, index) => `value ${index} `.repeat(20));
}

async function startThread(
  threadId: string,
  length: number,
  namespace = "",
  writer: MongoDBSaver = saver,
) {
  const configs: RunnableConfig[] = [];
  let config = threadConfig(threadId, { namespace });
  for (let step = 1; step <= length; step += 1) {
    const checkpoint = makeCheckpoint({ list: valuesOf(step) }, { versions: { list: step } });
    config = await putCheckpoint(writer, config, checkpoint, makeMetadata({ step }));
    configs.push(config);
  }
  return configs;
}

function idOf(config: RunnableConfig): string {
  return config.configurable!["checkpoint_id"] as string;
}

async function listIds(threadId: string, namespace = ""): Promise<string[]> {
  const cold: MongoDBSaver = database.openSaver();
  const tuples = await Array.fromAsync(cold.list(threadConfig(threadId, { namespace })));
  return tuples.map(({ checkpoint }) => checkpoint.id);
}
