import { HumanMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  Annotation,
  Command,
  DeltaChannel,
  interrupt,
  messagesDeltaReducer,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { INTERRUPT } from "@langchain/langgraph-checkpoint";
import type { MongoDBSaver, SaverEvent } from "@threadkeep/checkpoint-mongo";
import { expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { stopAfter } from "./stop-after.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

/** A namespace is pruned once in so many puts. */
const INTERVAL = 32;

it("keepLast keeps the last checkpoints of a namespace, and at most 32 more", async () => {
  const saver = database.openSaver({ keepLast: 5 });
  const configs: RunnableConfig[] = [];
  for (let step = 1; step <= 3 * INTERVAL; step += 1) {
    configs.push(await putNext(saver, configs.at(-1) ?? threadConfig("bounded"), step));
    const count = await countCheckpoints("bounded");
    expect(count).toBeLessThan(5 + INTERVAL);
    expect(count).toBe(step < INTERVAL ? step : 5 + (step % INTERVAL));
  }
  expect(await listIds("bounded")).toEqual(configs.slice(-5).map(idOf).toReversed());
  const cold = database.openSaver();
  expect((await cold.getTuple(configs.at(-1)!))!.checkpoint.channel_values).toEqual({
    list: ["step 94", "step 95", "step 96"],
  });
  expect((await cold.verifyThread("bounded")).damages).toEqual([]);
});

it("keepLast sends less than one command in four puts, on average, however long the thread is", async () => {
  const saver = database.openSaver({ keepLast: 5 });
  let config = threadConfig("commands");
  const perRound: number[] = [];
  for (let round = 0; round < 9; round += 1) {
    const commands = await database.recordCommands(async () => {
      for (let step = 1; step <= INTERVAL; step += 1) config = await putNext(saver, config, step);
    });
    perRound.push(commands.length - INTERVAL);
  }
  // The first round opens the thread. In the eighth, segments are swept.
  const pruning = perRound.slice(1);
  expect(Math.max(...pruning.filter((_, index) => index !== 6))).toBeLessThanOrEqual(7);
  const sum = pruning.reduce((total, count) => total + count, 0);
  expect(sum / (pruning.length * INTERVAL)).toBeLessThan(0.25);
});

it("keepLast loses no step of several processes that write to one thread and fork it", async () => {
  const savers = [
    database.openSaver({ keepLast: 8 }),
    database.openSaverElsewhere({ keepLast: 8 }),
  ];
  await putNext(savers[0]!, threadConfig("writers"), 0);
  const put: string[] = [];
  await Promise.all(
    savers.map(async (saver, writer) => {
      let config: RunnableConfig = (await saver.getTuple(threadConfig("writers")))!.config;
      const earlier: RunnableConfig[] = [];
      for (let step = 1; step <= 60; step += 1) {
        // Now and then it goes on from a checkpoint that may have been pruned.
        const parent = step % 20 === 0 ? earlier[0]! : config;
        config = await putNext(saver, parent, step, `writer ${writer}`);
        earlier.push(config);
        put.push(idOf(config));
      }
    }),
  );
  const ids = await listIds("writers");
  expect(put.slice(-6).filter((id) => !ids.includes(id))).toEqual([]);
  expect(ids.length).toBeLessThan(8 + INTERVAL);
  const { damages } = await database.openSaver().verifyThread("writers");
  expect(damages).toEqual([]);
});

it("keepLast keeps a branch that waits for an answer, and it goes on when the answer comes", async () => {
  const saver = database.openSaver({ keepLast: 2 });
  const first = await putNext(saver, threadConfig("branch"), 0);
  const waiting = await putNext(saver, first, 1, "waits");
  await saver.putWrites(waiting, [[INTERRUPT, [{ value: "?" }]]], "task");
  let config = first;
  for (let step = 2; step < 2 * INTERVAL; step += 1) config = await putNext(saver, config, step);
  const ids = await listIds("branch");
  expect(ids).toContain(idOf(waiting));
  expect(ids).toHaveLength(3);
  const tuple = (await database.openSaver().getTuple(waiting))!;
  expect(tuple.pendingWrites).toHaveLength(1);
  await putNext(database.openSaver(), waiting, 99);
  expect((await database.openSaver().verifyThread("branch")).damages).toEqual([]);
});

it("keepLast leaves a graph with delta channels its messages, and one that waits its answer", async () => {
  const State = Annotation.Root({
    messages: new DeltaChannel(messagesDeltaReducer, {
      snapshotFrequency: 10,
      initialValueFactory: () => [],
    }),
  });
  const open = (checkpointer: MongoDBSaver) =>
    new StateGraph(State)
      .addNode("say", () => ({ messages: [new HumanMessage("said")] }))
      .addNode("ask", () => ({ messages: [new HumanMessage(interrupt<string, string>("?"))] }))
      .addEdge(START, "say")
      .addEdge("say", "ask")
      .compile({ checkpointer });
  const config = threadConfig("delta");
  const expected: string[] = [];
  for (let turn = 0; turn < 30; turn += 1) {
    const saver = database.openSaver({ keepLast: 1 });
    await open(saver).invoke({ messages: [new HumanMessage(`turn ${turn}`)] }, config);
    await open(saver).invoke(new Command({ resume: `answer ${turn}` }), config);
    expected.push(`turn ${turn}`, "said", `answer ${turn}`);
    const state = await open(database.openSaver()).getState(config);
    const { messages } = state.values as typeof State.State;
    expect(messages.map(({ content }) => content)).toEqual(expected);
  }
  expect(await countCheckpoints("delta")).toBeLessThan(INTERVAL + 30);
  expect((await database.openSaver().verifyThread("delta")).damages).toEqual([]);
});

it("keepLast removes what subgraphs stored in turns that are gone, and a subgraph that waits goes on", async () => {
  const saver = database.openSaver({ keepLast: 3 });
  const State = Annotation.Root({ answer: Annotation<string> });
  const child = new StateGraph(State)
    .addNode("ask", () => ({ answer: interrupt<string, string>("sure?") }))
    .addEdge(START, "ask")
    .compile();
  const graph = new StateGraph(State)
    .addNode("child", child)
    .addEdge(START, "child")
    .compile({ checkpointer: saver });
  const config = threadConfig("subgraphs");
  for (let turn = 0; turn < 40; turn += 1) {
    await graph.invoke({ answer: `turn ${turn}` }, config);
    expect(await graph.invoke(new Command({ resume: `yes ${turn}` }), config)).toEqual({
      answer: `yes ${turn}`,
    });
  }
  const listNamespaces = async (kind: "checkpoint" | "writes") => {
    const found = await database.documents(kind).find({ thread_id: "subgraphs" }).toArray();
    return [...new Set(found.map((document) => document["checkpoint_ns"] as string))];
  };
  const namespaces = await listNamespaces("checkpoint");
  expect(namespaces.length).toBeGreaterThan(1);
  expect(namespaces.length).toBeLessThan(20);
  const ofWrites = await listNamespaces("writes");
  expect(ofWrites.filter((namespace) => !namespaces.includes(namespace))).toEqual([]);
  expect((await database.openSaver().verifyThread("subgraphs")).damages).toEqual([]);
});

it("keepLast leaves the thread whole wherever the process stops, and a later put prunes it", async () => {
  for (let commands = 0; ; commands += 1) {
    const threadId = `stopped ${commands}`;
    const saver = database.openSaver();
    let config = threadConfig(threadId);
    for (let step = 1; step < INTERVAL; step += 1) config = await putNext(saver, config, step);
    const done = await stopAfter(
      database,
      commands,
      async (stopped) => {
        const latest = await stopped.getTuple(threadConfig(threadId));
        await putNext(stopped, latest!.config, INTERVAL);
      },
      { keepLast: 3, onEvent: () => {} },
    );
    const after = database.openSaver({ keepLast: 3 });
    const tuple = (await after.getTuple(threadConfig(threadId)))!;
    expect((await after.verifyThread(threadId)).damages).toEqual([]);
    let last = tuple.config;
    for (let step = 1; step <= INTERVAL; step += 1) last = await putNext(after, last, 100 + step);
    expect(await countCheckpoints(threadId)).toBeLessThan(INTERVAL + 3);
    expect((await after.verifyThread(threadId)).damages).toEqual([]);
    if (done) return;
  }
}, 120_000);

it("a prune of keepLast that fails is reported, and the put does not fail", async () => {
  const events: SaverEvent[] = [];
  const saver = database.openSaver({ keepLast: 3, onEvent: (event) => void events.push(event) });
  let config = threadConfig("fails");
  for (let step = 1; step < INTERVAL; step += 1) config = await putNext(saver, config, step);
  const damaged = { thread_id: "fails", seq: 4 };
  await database.documents("checkpoint").updateOne(damaged, { $set: { hash: new Uint8Array(32) } });
  config = await putNext(saver, config, INTERVAL);
  expect(events).toMatchObject([{ type: "keep-last-failed", threadId: "fails", checkpointNs: "" }]);
  expect(await countCheckpoints("fails")).toBe(INTERVAL);
  expect((await saver.getTuple(config))!.config).toEqual(config);
});

it("keepLast that is no count, or beside another persist, is refused", () => {
  for (const wrong of [{ keepLast: 0 }, { keepLast: 1.5 }, { keepLast: 3, persist: "exit" }]) {
    const open = () => database.openSaver(wrong as never);
    expect(open).toThrow(/keepLast/);
    expect(open).toThrow(expect.objectContaining({ code: "INVALID_OPTIONS" }));
  }
});

async function putNext(
  saver: MongoDBSaver,
  parent: RunnableConfig,
  step: number,
  name = "step",
): Promise<RunnableConfig> {
  const list = [step - 2, step - 1, step].map((number) => `${name} ${number}`);
  return putCheckpoint(saver, parent, makeCheckpoint({ list }, { versions: { list: step + 1 } }));
}

function idOf(config: RunnableConfig): string {
  return config.configurable!["checkpoint_id"] as string;
}

function countCheckpoints(threadId: string): Promise<number> {
  return database.documents("checkpoint").countDocuments({ thread_id: threadId });
}

async function listIds(threadId: string): Promise<string[]> {
  const tuples = await Array.fromAsync(database.openSaver().list(threadConfig(threadId)));
  return tuples.map(({ checkpoint }) => checkpoint.id);
}
