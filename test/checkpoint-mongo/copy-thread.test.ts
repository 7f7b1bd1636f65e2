import type { RunnableConfig } from "@langchain/core/runnables";
import { Annotation, Command, interrupt, START, StateGraph } from "@langchain/langgraph";
import { uuid6 } from "@langchain/langgraph-checkpoint";
import { MongoDBSaver as OfficialSaver } from "@langchain/langgraph-checkpoint-mongodb";
import {
  CorruptCheckpointError,
  InvalidOptionsError,
  ThreadNotEmptyError,
  ThreadNotFoundError,
  type MongoDBSaver,
} from "@threadkeep/checkpoint-mongo";
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { stopAfter } from "./stop-after.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const saver = database.openSaver();

/** What LangGraph's Python conformance suite (0.0.2) asks of `acopy_thread`. */
describe("copyThread, as LangGraph's Python suite has it,", () => {
  it("copies all checkpoints of all namespaces, with metadata, writes, parents and order", async () => {
    const { threadId } = await makeSource("python");
    const { checkpoints, writeSets, bytes } = await saver.copyThread(threadId, "python copy");
    expect([checkpoints, writeSets]).toEqual([7, 2]);
    expect(bytes).toBeGreaterThan(1_000);
    const cold = database.openSaver();
    for (const namespace of ["", "child:1"]) {
      const tuples = await list(cold, threadId, namespace);
      expect(tuples.length).toBeGreaterThan(1);
      expect(await list(cold, "python copy", namespace)).toEqual(rename(tuples, "python copy"));
    }
    const latest = await cold.getTuple(threadConfig("python copy"));
    expect(rename([latest], threadId)).toEqual([await cold.getTuple(threadConfig(threadId))]);
  });

  it("leaves the source as it is", async () => {
    const { threadId } = await makeSource("unchanged");
    const before = await database.readAll(threadId);
    await saver.copyThread(threadId, "unchanged copy");
    expect(await database.readAll(threadId)).toEqual(before);
  });

  it("stores nothing if the source is not there", async () => {
    const error = await saver.copyThread("nowhere", "nowhere copy").catch((e: unknown) => e);
    expect(ThreadNotFoundError.isInstance(error)).toBe(true);
    expect(await database.readAll("nowhere copy")).toEqual([]);
  });
});

describe("a copy", () => {
  it("is undamaged, with hashes of its own, also with keys, witnesses and after a rotation", async () => {
    const keys = { old: Buffer.alloc(32, 1), new: Buffer.alloc(32, 2) };
    const before = { integrity: { keys, currentKeyId: "old" }, witness: true };
    const after = { integrity: { keys, currentKeyId: "new" }, witness: true };
    const { threadId } = await makeSource("keyed", database.openSaver(before));
    await database.openSaver(after).copyThread(threadId, "keyed copy");
    const onlyNew = { integrity: { keys: { new: keys.new }, currentKeyId: "new" }, witness: true };
    const reader = database.openSaver(onlyNew);
    expect((await reader.verifyThread("keyed copy")).damages).toEqual([]);
    expect(await list(reader, "keyed copy", "")).toHaveLength(5);
    const writes = { thread_id: "keyed copy" };
    expect((await database.documents("writes").deleteMany(writes)).deletedCount).toBe(2);
    expect((await reader.verifyThread("keyed copy")).damages).toHaveLength(2);
  });

  it("and its source have nothing in common: each goes on, and one is deleted", async () => {
    const { threadId, last } = await makeSource("apart");
    const before = await list(database.openSaver(), threadId, "");
    await saver.copyThread(threadId, "apart copy");
    const ofCopy = await saver.getTuple(threadConfig("apart copy"));
    await putNext(saver, ofCopy!.config, 9, "copy");
    expect(await list(database.openSaver(), threadId, "")).toEqual(before);
    await putNext(saver, last, 9, "source");
    const read = async (id: string) =>
      (await database.openSaver().getTuple(threadConfig(id)))!.checkpoint.channel_values["list"];
    expect(await read("apart copy")).toContain("copy 9");
    expect(await read(threadId)).toContain("source 9");
    await saver.deleteThread(threadId);
    await saver.sweep({ threadId: "apart copy" });
    expect(await read("apart copy")).toContain("copy 9");
    expect((await database.openSaver().verifyThread("apart copy")).damages).toEqual([]);
  });

  it("waits for an answer as its source does, and both go on", async () => {
    const graph = new StateGraph(Annotation.Root({ answer: Annotation<string> }))
      .addNode("ask", () => ({ answer: interrupt<string, string>("sure?") }))
      .addEdge(START, "ask")
      .compile({ checkpointer: saver });
    await graph.invoke({ answer: "none" }, threadConfig("asks"));
    await saver.threads.update("asks", { metadata: { user: "ada" } });
    await saver.copyThread("asks", "asks copy");
    const { threads } = await database
      .openSaver()
      .threads.search({ status: "interrupted", metadata: { user: "ada" } });
    expect(threads.map(({ threadId }) => threadId).toSorted()).toEqual(["asks", "asks copy"]);
    for (const id of ["asks copy", "asks"]) {
      const result = await graph.invoke(new Command({ resume: id }), threadConfig(id));
      expect(result).toEqual({ answer: id });
    }
  });

  it("of a pruned thread is whole, and prunes and deletes apart from it", async () => {
    const { threadId } = await makeSource("pruned");
    await saver.prune([threadId], { strategy: "keep_last", count: 2 });
    await saver.copyThread(threadId, "pruned copy");
    expect((await database.openSaver().verifyThread("pruned copy")).damages).toEqual([]);
    await saver.prune(["pruned copy"], { strategy: "keep_latest" });
    expect(await list(database.openSaver(), threadId, "")).toHaveLength(2);
  });

  it("holds large values in parts, and writes of which a segment holds the value", async () => {
    const large = randomBytes(4_000_000).toString("base64");
    const config = await putCheckpoint(saver, threadConfig("large"), makeCheckpoint({ large }));
    await saver.putWrites(config, [["large", `${large}!`]], "task");
    await saver.copyThread("large", "large copy");
    const tuple = (await database.openSaver().getTuple(threadConfig("large copy")))!;
    expect(tuple.checkpoint.channel_values).toEqual({ large });
    expect(tuple.pendingWrites).toEqual([["task", "large", `${large}!`]]);
    expect((await database.openSaver().verifyThread("large copy")).damages).toEqual([]);
    // Some servers go through all documents in the tests that follow.
    for (const threadId of ["large", "large copy"]) await saver.deleteThread(threadId);
  });

  it("has the expiry of the saver that makes it, and a thread that was deleted can take it", async () => {
    const { threadId } = await makeSource("expires");
    await makeSource("reused");
    await saver.deleteThread("reused");
    const withTtl = database.openSaver({ ttl: 600 });
    await withTtl.copyThread(threadId, "reused");
    const { damages, checkpoints } = await database.openSaver().verifyThread("reused");
    expect([damages, checkpoints]).toEqual([[], 7]);
    const details = (await saver.threads.get("reused"))!;
    expect(details.expiresAt!.getTime()).toBeGreaterThan(Date.now() + 500_000);
  });

  it("takes a thread that was created, which keeps its metadata, also if there is no copy", async () => {
    const { threadId } = await makeSource("for created");
    const created = { metadata: { user: "bob" } };
    await saver.threads.create("created", created);
    const segments = database.documents("segment");
    const segment = (await segments.findOne({ thread_id: threadId }))!;
    await segments.deleteOne({ _id: segment._id });
    const cold = database.openSaver();
    await expect(cold.copyThread(threadId, "created")).rejects.toThrow(/segment/);
    expect(await cold.threads.get("created")).toMatchObject({ ...created, checkpoints: 0 });
    await segments.insertOne(segment);
    await cold.copyThread(threadId, "created");
    expect(await cold.threads.get("created")).toMatchObject({ ...created, checkpoints: 7 });
  });

  it("reads and writes each content once", async () => {
    let config = threadConfig("once");
    for (let step = 0; step < 40; step += 1) config = await putNext(saver, config, step);
    const commands = await database.recordCommands(() => saver.copyThread("once", "once copy"));
    expect(commands.filter((name) => name === "update").length).toBeLessThanOrEqual(3);
    expect(commands.length).toBeLessThan(20);
  });
});

describe("a copy is refused, and changes nothing,", () => {
  it("to a thread that has checkpoints, of this saver or of the official one", async () => {
    const { threadId } = await makeSource("full");
    await makeSource("full target");
    const official = new OfficialSaver({ client: database.client as never, dbName: database.name });
    const ofOfficial = threadConfig("official target");
    await official.put(ofOfficial, makeCheckpoint({}), makeMetadata());
    const cold = database.openSaver();
    await cold.setup();
    const before = await database.readAll();
    for (const target of ["full target source", "official target"]) {
      const error = await cold.copyThread(threadId, target).catch((e: unknown) => e);
      expect([target, ThreadNotEmptyError.isInstance(error)]).toEqual([target, true]);
    }
    await expect(cold.copyThread("official target", "x")).rejects.toThrow(/official saver/);
    expect(await database.readAll()).toEqual(before);
  });

  it("to itself, and of what is no id", async () => {
    const error = await saver.copyThread("same", "same").catch((e: unknown) => e);
    expect(InvalidOptionsError.isInstance(error)).toBe(true);
    await expect(saver.copyThread("", "x")).rejects.toThrow(/non-empty/);
    await expect(saver.copyThread("x", 1 as never)).rejects.toThrow(/string/);
  });

  it("of a thread of which something is damaged: nobody sees anything of it", async () => {
    const change = async (threadId: string, kind: "checkpoint" | "writes" | "segment") => {
      const documents = database.documents(kind);
      const found = await documents.findOne({ thread_id: threadId });
      if (kind === "segment") await documents.deleteOne({ _id: found!._id });
      else await documents.updateOne({ _id: found!._id }, { $set: { hash: new Uint8Array(32) } });
    };
    for (const kind of ["checkpoint", "writes", "segment"] as const) {
      const { threadId } = await makeSource(`damaged ${kind}`);
      await change(threadId, kind);
      const cold = database.openSaver();
      const error = await cold.copyThread(threadId, `${threadId} copy`).catch((e: unknown) => e);
      expect([kind, CorruptCheckpointError.isInstance(error)]).toEqual([kind, true]);
      expect(await list(cold, `${threadId} copy`, "")).toEqual([]);
      expect(
        await database.documents("checkpoint").findOne({ thread_id: `${threadId} copy` }),
      ).toBeNull();
      await putNext(cold, threadConfig(`${threadId} copy`), 1);
    }
  });
});

it("a copy is not there or whole wherever the process stops, and can be made again", async () => {
  const stopAt = async (commands: number): Promise<{ found: number; done: boolean }> => {
    const { threadId } = await makeSource(`stops ${commands}`);
    const target = `${threadId} copy`;
    const copy = (stopped: MongoDBSaver) => stopped.copyThread(threadId, target);
    const done = await stopAfter(database, commands, copy);
    const after = database.openSaver();
    const found = (await list(after, target, "")).length;
    expect((await after.verifyThread(target)).damages).toEqual([]);
    expect((await after.threads.search({ ids: [target] })).threads).toHaveLength(found && 1);
    // A writer begins the thread, or a copy is made again.
    const isWritten = found === 0 && commands % 2 === 1;
    if (isWritten) await putNext(after, threadConfig(target), 1);
    else if (found === 0) await copy(saver);
    expect(await list(database.openSaver(), target, "")).toHaveLength(isWritten ? 1 : 5);
    expect((await database.openSaver().verifyThread(target)).damages).toEqual([]);
    return { found, done };
  };
  // A process whose connection is lost waits for a new one, so many stop at once.
  const outcomes = await Promise.all(Array.from({ length: 24 }, (_, commands) => stopAt(commands)));
  expect(outcomes.at(-1)!.done).toBe(true);
  expect(new Set(outcomes.map(({ found }) => found))).toEqual(new Set([0, 5]));
}, 120_000);

it("a copy whose target is written to meanwhile is not made, and the writer has its thread", async () => {
  const { threadId } = await makeSource("race");
  const other = database.openSaverElsewhere();
  const race = async (target: string): Promise<void> => {
    const results = await Promise.allSettled([
      saver.copyThread(threadId, target),
      putNext(other, threadConfig(target), 1),
    ]);
    expect(results[1].status).toBe("fulfilled");
    const latest = await database.openSaver().getTuple(threadConfig(target));
    expect(latest!.checkpoint.channel_values["list"]).toContain("step 1");
    expect((await database.openSaver().verifyThread(target)).damages).toEqual([]);
  };
  await Promise.all(Array.from({ length: 12 }, (_, index) => race(`race copy ${index}`)));
});

it("a copy of a thread that is written to is one that the thread was", async () => {
  const { threadId, last } = await makeSource("live");
  let config = last;
  const write = async () => {
    for (let step = 20; step < 40; step += 1)
      config = await putNext(database.openSaverElsewhere(), config, step);
  };
  const writing = write();
  for (let index = 0; index < 3; index += 1) await saver.copyThread(threadId, `live copy ${index}`);
  await writing;
  const source = await list(database.openSaver(), threadId, "");
  for (let index = 0; index < 3; index += 1) {
    const target = `live copy ${index}`;
    const copied = await list(database.openSaver(), target, "");
    expect(copied).toEqual(rename(source.slice(-copied.length), target));
    expect((await database.openSaver().verifyThread(target)).damages).toEqual([]);
  }
});

/** A thread of five checkpoints with a fork, and two of a subgraph. */
async function makeSource(
  name: string,
  writer: MongoDBSaver = saver,
): Promise<{ threadId: string; last: RunnableConfig }> {
  const threadId = `${name} source`;
  const configs: RunnableConfig[] = [];
  for (let step = 0; step < 4; step += 1) {
    configs.push(await putNext(writer, configs.at(-1) ?? threadConfig(threadId), step));
  }
  await writer.putWrites(configs[1]!, [["list", "of a fork"]], uuid6(0));
  const last = await putNext(writer, configs[1]!, 4, "fork");
  await writer.putWrites(
    last,
    [
      ["list", "pending"],
      ["other", { a: 1 }],
    ],
    uuid6(0),
    "~path",
  );
  const child = await putNext(writer, threadConfig(threadId, { namespace: "child:1" }), 5);
  await putNext(writer, child, 6);
  return { threadId, last };
}

async function putNext(
  writer: MongoDBSaver,
  parent: RunnableConfig,
  step: number,
  name = "step",
): Promise<RunnableConfig> {
  const values = { list: [`${name} ${step - 1} `.repeat(40), `${name} ${step}`], inline: step };
  const checkpoint = makeCheckpoint(values, { versions: { list: step + 1, inline: step + 1 } });
  return putCheckpoint(writer, parent, checkpoint, makeMetadata({ step, own: { deep: [step] } }));
}

async function list(reader: MongoDBSaver, threadId: string, namespace: string) {
  return Array.fromAsync(reader.list(threadConfig(threadId, { namespace })));
}

/** The same tuples in another thread. */
function rename(tuples: readonly unknown[], threadId: string): unknown {
  return JSON.parse(JSON.stringify(tuples), (key, value: unknown) =>
    key === "thread_id" ? threadId : value,
  );
}
