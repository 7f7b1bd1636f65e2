import { AIMessage, HumanMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  Annotation,
  DeltaChannel,
  MessagesAnnotation,
  messagesDeltaReducer,
  START,
  StateGraph,
} from "@langchain/langgraph";
import {
  DeltaSnapshot,
  type BaseCheckpointSaver,
  type CheckpointMetadata,
} from "@langchain/langgraph-checkpoint";
import type { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { BSON } from "mongodb";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Kind } from "./documents-of-kind.ts";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { randomText } from "./random-text.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

afterEach(() => {
  vi.useRealTimers();
});

const ITEM_LENGTH = 1_000;

let seed = 0;

/** Items of which none is like another. */
const makeItems = (count: number): string[] =>
  Array.from({ length: count }, () => randomText(ITEM_LENGTH, (seed += 7_919)));

/** As LangGraph marks a checkpoint of a graph with delta channels. */
const metadata: CheckpointMetadata = makeMetadata({
  counters_since_delta_snapshot: { log: [1, 1] },
});

/** Puts a checkpoint that stores a snapshot. */
function putSnapshot(
  saver: BaseCheckpointSaver,
  from: RunnableConfig,
  value: unknown,
): Promise<RunnableConfig> {
  const checkpoint = makeCheckpoint({ log: new DeltaSnapshot(value), other: "stays" });
  return putCheckpoint(saver, from, checkpoint, metadata);
}

/** Puts checkpoints without a value of the channel. */
async function putSteps(
  saver: BaseCheckpointSaver,
  from: RunnableConfig,
  count: number,
): Promise<RunnableConfig> {
  let config = from;
  for (let step = 0; step < count; step += 1) {
    config = await putCheckpoint(saver, config, makeCheckpoint({ other: "stays" }), metadata);
  }
  return config;
}

async function countBytes(threadId: string, kind?: Kind): Promise<number> {
  const stored = await database.readAll(threadId);
  return stored
    .filter((document) => kind === undefined || document["kind"] === kind)
    .reduce((bytes, document) => bytes + BSON.calculateObjectSize(document), 0);
}

async function readLog(saver: BaseCheckpointSaver, config: RunnableConfig): Promise<unknown> {
  return (await saver.getTuple(config))?.checkpoint.channel_values["log"];
}

/** A thread whose first checkpoint stores a snapshot, and some after it that store none. */
async function startThread(threadId: string, saver: MongoDBSaver) {
  const items = makeItems(100);
  const first = await putSnapshot(saver, threadConfig(threadId), items);
  const latest = await putSteps(saver, first, 20);
  return { items, first, latest, bytes: await countBytes(threadId, "segment") };
}

describe("a snapshot of a delta channel", () => {
  it("stores only what was added since the one before, many checkpoints back", async () => {
    const saver = database.openSaver();
    const { items, first, latest, bytes } = await startThread("added", saver);
    const more = [...items, ...makeItems(3)];
    const end = await putSnapshot(saver, latest, more);
    expect((await countBytes("added", "segment")) - bytes).toBeLessThan(4 * ITEM_LENGTH);
    for (const reader of [saver, database.openSaverElsewhere()]) {
      expect(await readLog(reader, end)).toEqual(new DeltaSnapshot(more));
      expect(await readLog(reader, first)).toEqual(new DeltaSnapshot(items));
      expect(await readLog(reader, latest)).toBeUndefined();
    }
  });

  it("stores only that in a process that has to read the one before, and in each branch", async () => {
    const { items, first, latest, bytes } = await startThread("elsewhere", database.openSaver());
    const fork = await putSteps(database.openSaver(), first, 2);
    const ends: [RunnableConfig, unknown[]][] = [];
    for (const from of [latest, fork]) {
      const edited = [...items.slice(0, 50), ...makeItems(1), ...items.slice(51)];
      ends.push([await putSnapshot(database.openSaver(), from, edited), edited]);
    }
    expect((await countBytes("elsewhere", "segment")) - bytes).toBeLessThan(4 * ITEM_LENGTH);
    for (const [end, expected] of ends) {
      expect(await readLog(database.openSaver(), end)).toEqual(new DeltaSnapshot(expected));
    }
  });

  it("needs no further command if this process has put the checkpoints between", async () => {
    const saver = database.openSaver();
    const { items, latest } = await startThread("commands", saver);
    const commands = await database.recordCommands(() => putSnapshot(saver, latest, items));
    expect(commands).toEqual(["update"]);
  });

  it("reads the one before again after five minutes, since it may have been put again", async () => {
    const saver = database.openSaver();
    const { items, first, latest } = await startThread("put again", saver);
    const own = await database.documents("segment").find({ thread_id: "put again" }).toArray();
    const other = makeItems(100);
    const again = makeCheckpoint(
      { log: new DeltaSnapshot(other), other: "stays" },
      { id: first.configurable!["checkpoint_id"] as string },
    );
    await putCheckpoint(database.openSaverElsewhere(), threadConfig("put again"), again, metadata);
    // A sweep may have removed what nothing refers to.
    for (const { _id } of own) await database.documents("segment").deleteOne({ _id });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 6 * 60_000 });
    const recent = await putSteps(saver, latest, 1);
    const commands = await database.recordCommands(() => putSnapshot(saver, recent, items));
    expect(commands).toContain("find");
    const reader = database.openSaver();
    expect(await readLog(reader, first)).toEqual(new DeltaSnapshot(other));
    expect(await readLog(reader, threadConfig("put again"))).toEqual(new DeltaSnapshot(items));
  });

  it("is stored whole where a checkpoint on the way to the one before is damaged", async () => {
    const { items, first, latest } = await startThread("damaged", database.openSaver());
    const damaged = first.configurable!["checkpoint_id"] as string;
    await database
      .documents("checkpoint")
      .updateOne(
        { thread_id: "damaged", checkpoint_id: damaged },
        { $set: { hash: Buffer.of(1) } },
      );
    const end = await putSnapshot(database.openSaver(), latest, items);
    expect(await readLog(database.openSaver(), end)).toEqual(new DeltaSnapshot(items));
  });

  it("reuses nothing of a thread that was deleted meanwhile", async () => {
    const saver = database.openSaver();
    const { items, latest } = await startThread("deleted", saver);
    await database.openSaverElsewhere().deleteThread("deleted");
    const end = await putSnapshot(saver, latest, items);
    const reader = database.openSaver();
    expect(await readLog(reader, end)).toEqual(new DeltaSnapshot(items));
    expect((await reader.verifyThread("deleted")).damages).toEqual([]);
  });

  it.each(["every", "interrupts", "exit"] as const)(
    "comes back with persist %s",
    async (persist) => {
      const saver = database.openSaver({ persist });
      const { items, latest } = await startThread(`persist ${persist}`, saver);
      const more = [...items, "more"];
      // Without counters, as LangGraph marks a checkpoint in which all channels have a snapshot.
      const checkpoint = makeCheckpoint({ log: new DeltaSnapshot(more), other: "stays" });
      const end = await putCheckpoint(saver, latest, checkpoint);
      const next = await putSteps(saver, end, 2);
      const last = await putSnapshot(saver, next, [...more, "last"]);
      expect(await readLog(database.openSaver(), last)).toEqual(
        new DeltaSnapshot([...more, "last"]),
      );
    },
  );
});

describe("a conversation in a delta channel", () => {
  it("stores the same as in an ordinary channel, however many snapshots LangGraph takes", async () => {
    const delta = new DeltaChannel(messagesDeltaReducer, {
      initialValueFactory: () => [],
      snapshotFrequency: 7,
    });
    const State = Annotation.Root({ messages: delta });
    for (const [threadId, annotation] of [
      ["delta", State],
      ["ordinary", MessagesAnnotation],
    ] as const) {
      const graph = new StateGraph(annotation)
        .addNode("model", () => ({ messages: [new AIMessage(makeItems(1)[0]!)] }))
        .addEdge(START, "model")
        .compile({ checkpointer: database.openSaver() });
      for (let turn = 0; turn < 40; turn += 1) {
        const message = new HumanMessage(makeItems(1)[0]!);
        await graph.invoke({ messages: [message] }, threadConfig(threadId));
      }
      const state = await graph.getState(threadConfig(threadId));
      expect((state.values as { messages: unknown[] }).messages).toHaveLength(80);
    }
    // LangGraph counts in the metadata how long ago the last one was.
    expect(await countBytes("delta")).toBeLessThan(1.03 * (await countBytes("ordinary")));
  });
});
