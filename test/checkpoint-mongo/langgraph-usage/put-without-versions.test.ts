import type { RunnableConfig } from "@langchain/core/runnables";
import {
  emptyCheckpoint,
  uuid6,
  type BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointPendingWrite,
  type PendingWrite,
} from "@langchain/langgraph-checkpoint";
import { Annotation, Command, interrupt, Send, START, StateGraph } from "@langchain/langgraph";
import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata } from "../make-checkpoint.ts";
import { useBothSavers } from "./both-savers.ts";
import { readEverything, type Everything } from "./read-everything.ts";

const { database, expectSame } = useBothSavers();

/** Calls put as programs do that know nothing of its fourth argument. */
type Put = (
  saver: BaseCheckpointSaver,
  config: RunnableConfig,
  checkpoint: Checkpoint,
  metadata?: CheckpointMetadata,
) => Promise<RunnableConfig>;

type LoosePut = (
  config: RunnableConfig,
  checkpoint: Checkpoint,
  metadata: CheckpointMetadata,
  newVersions?: ChannelVersions | null,
) => Promise<RunnableConfig>;

const WAYS: [string, Put][] = [
  [
    "without newVersions",
    (saver, config, checkpoint, metadata = makeMetadata()) =>
      (saver.put as LoosePut).call(saver, config, checkpoint, metadata),
  ],
  [
    "with newVersions undefined",
    (saver, config, checkpoint, metadata = makeMetadata()) =>
      (saver.put as LoosePut).call(saver, config, checkpoint, metadata, undefined),
  ],
  [
    "with newVersions null",
    (saver, config, checkpoint, metadata = makeMetadata()) =>
      (saver.put as LoosePut).call(saver, config, checkpoint, metadata, null),
  ],
];

const long = (word: string) => `${word} `.repeat(200);

describe.each(WAYS)("a put %s", (_name, put) => {
  it("stores every channel value of a first checkpoint, also of channels without a version", async () => {
    const [here] = await expectSame(async ({ saver, elsewhere, config }) => {
      const checkpoint = {
        ...makeCheckpoint({ versioned: 1 }),
        channel_values: { versioned: 1, unversioned: "stored", list: [long("a")], none: null },
        channel_versions: { versioned: 1, "has no value": 1 },
        versions_seen: { node: { versioned: 1 } },
      };
      await put(saver, config, checkpoint);
      return [await saver.getTuple(config), await elsewhere.getTuple(config)];
    });
    expect(here?.checkpoint.channel_values).toEqual({
      versioned: 1,
      unversioned: "stored",
      list: [long("a")],
      none: null,
    });
  });

  it("stores values that changed though their channels' versions did not", async () => {
    const read = await expectSame(async ({ saver, elsewhere, config, threadId }) => {
      const first = { list: [long("a")], map: { x: long("x") }, text: "one", free: 1 };
      const versions = { list: 1, map: 1, text: 1 };
      const root = await put(saver, config, {
        ...makeCheckpoint(first),
        channel_versions: versions,
      });
      const second = {
        list: [long("a"), long("b")],
        map: { x: long("x"), y: 1 },
        text: "two",
        free: { now: "an object" },
        added: true,
      };
      const child = await put(saver, root, {
        ...makeCheckpoint(second),
        channel_versions: versions,
      });
      // And some of them go again.
      await put(saver, child, { ...makeCheckpoint({ list: [] }), channel_versions: versions });
      return [await readEverything(saver, threadId), await readEverything(elsewhere, threadId)];
    });
    const [latest, middle, first] = read[0]!.listed.map(
      ({ checkpoint }) => checkpoint.channel_values,
    );
    expect(latest).toEqual({ list: [] });
    expect(middle).toMatchObject({ text: "two", added: true, free: { now: "an object" } });
    expect(first).toMatchObject({ text: "one", free: 1 });
  });

  it("stores a value that was changed in place between two puts", async () => {
    const read = await expectSame(async ({ saver, elsewhere, config, threadId }) => {
      const messages = [{ text: long("one") }];
      const checkpoint = makeCheckpoint({ messages });
      const root = await put(saver, config, checkpoint);
      messages[0]!.text = long("changed");
      messages.push({ text: "added" });
      await put(saver, root, { ...checkpoint, id: uuid6(0) });
      return [await readEverything(saver, threadId), await readEverything(elsewhere, threadId)];
    });
    expect(read[0]?.latest?.checkpoint.channel_values["messages"]).toEqual([
      { text: long("changed") },
      { text: "added" },
    ]);
  });

  it("stores a checkpoint that was read, changed and put again", async () => {
    await expectSame(async ({ saver, elsewhere, config, threadId }) => {
      await put(saver, config, makeCheckpoint({ list: [1], count: 1 }));
      for (let step = 2; step < 6; step += 1) {
        const reader = step % 2 === 0 ? saver : elsewhere;
        const tuple = (await reader.getTuple(config))!;
        (tuple.checkpoint.channel_values["list"] as number[]).push(step);
        tuple.checkpoint.channel_values["count"] = step;
        await put(saver, tuple.config, { ...tuple.checkpoint, id: uuid6(step) }, tuple.metadata);
      }
      return readEverything(elsewhere, threadId);
    });
  });

  it("stores the same checkpoint again, with another content", async () => {
    await expectSame(async ({ saver, elsewhere, config, threadId }) => {
      const checkpoint = makeCheckpoint({ a: 1, list: [long("a")] });
      await put(saver, config, checkpoint);
      await put(saver, config, checkpoint);
      await put(saver, config, { ...checkpoint, channel_values: { a: 2, list: [] } });
      return [await readEverything(saver, threadId), await readEverything(elsewhere, threadId)];
    });
  });

  it("stores LangGraph's empty checkpoint, and one that lacks its maps", async () => {
    const read = await expectSame(async ({ saver, config, threadId }) => {
      const root = await put(saver, config, emptyCheckpoint());
      const bare = { v: 4, id: uuid6(1), ts: new Date(0).toISOString() } as Checkpoint;
      await put(saver, root, bare);
      return readEverything(saver, threadId);
    });
    expect(read.latest?.checkpoint).toMatchObject({
      channel_values: {},
      channel_versions: {},
      versions_seen: {},
    });
  });
});

/** As applications subclassed the official saver, whose put has three arguments. */
class ThreeArguments extends MongoDBSaver {
  override async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
  ): Promise<RunnableConfig> {
    return super.put(config, checkpoint, metadata);
  }

  override async putWrites(
    config: RunnableConfig,
    writes: PendingWrite[],
    taskId: string,
  ): Promise<void> {
    return super.putWrites(config, writes, taskId);
  }
}

/** Without task paths, writes come by task ids, which are other ones each time. */
function sortWrites(everything: Everything): Everything {
  const keyOf = ([, channel, value]: CheckpointPendingWrite) => JSON.stringify([channel, value]);
  for (const tuple of [everything.latest, ...everything.listed, ...everything.single]) {
    tuple?.pendingWrites?.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }
  return everything;
}

describe("a subclass whose methods drop the newer arguments", () => {
  const open = (settings: MongoDBSaverSettings) =>
    new ThreeArguments({ dbName: database.name, ...settings, client: database.client });
  const State = Annotation.Root({
    log: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
    files: Annotation<Record<string, string>>({
      reducer: (a, b) => ({ ...a, ...b }),
      default: () => ({}),
    }),
    last: Annotation<string>,
  });
  const build = (checkpointer: BaseCheckpointSaver) =>
    new StateGraph(State)
      .addNode("plan", () => ({ log: ["plan"], files: { "plan.txt": long("plan") } }))
      .addNode("work", ({ last }: typeof State.State) => ({ log: [`work ${last}`] }))
      .addNode("ask", () => ({ log: [`asked ${interrupt<string, string>("sure?")}`] }))
      .addEdge(START, "plan")
      .addConditionalEdges("plan", () => [
        new Send("work", { last: "1" }),
        new Send("work", { last: "2" }),
        "ask",
      ])
      .compile({ checkpointer });

  it.each(["sync", "async", "exit"] as const)(
    "loses nothing of a graph's run, with durability %s",
    async (durability) => {
      const found = await expectSame(async ({ saver, elsewhere, config, threadId }) => {
        const graph = build(saver);
        await graph.invoke({ last: "input" }, { ...config, durability });
        const asked = await graph.getState(config);
        await graph.updateState(config, { log: ["updated"], last: "update" }, "plan");
        await graph.invoke(new Command({ resume: "yes" }), { ...asked.config, durability });
        const history = await Array.fromAsync(build(elsewhere).getStateHistory(config));
        return { history, ...sortWrites(await readEverything(elsewhere, threadId)) };
      }, open);
      expect(found.latest?.checkpoint.channel_values["log"]).toContain("asked yes");
    },
  );
});
