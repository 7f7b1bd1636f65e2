import { HumanMessage, type BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  Annotation,
  Command,
  DeltaChannel,
  END,
  interrupt,
  messagesDeltaReducer,
  START,
  StateGraph,
} from "@langchain/langgraph";
import type { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { describe, expect, it } from "vitest";
import { useDatabase } from "../use-database.ts";

const database = useDatabase();

describe("an agent that asks for approval", () => {
  it("is rolled back to its question after a wrong answer, and answered anew", async () => {
    const saver = database.openSaver();
    const { graph, calls } = createApproval(saver);
    const config = thread("approval");
    await graph.invoke({ log: ["order"] }, config);
    const asked = await graph.getState(config);
    await graph.invoke(new Command({ resume: "no" }), config);
    expect(await logOf(graph, config)).toEqual(["order", "plan", "no"]);

    await saver.rollback("approval", { to: checkpointIdOf(asked.config) });
    const back = await graph.getState(config);
    expect(back.values).toEqual(asked.values);
    expect(back.next).toEqual(["approve"]);
    // Answered at once: the node runs anew, and its question gets the answer.
    await graph.invoke(new Command({ resume: "yes" }), config);
    expect(await logOf(graph, config)).toEqual(["order", "plan", "yes"]);
    expect(calls.plan).toBe(1);
  });

  it("asks again if a rollback to its question is gone on from without an answer", async () => {
    const saver = database.openSaver();
    const { graph } = createApproval(saver);
    const config = thread("asks again");
    await graph.invoke({ log: ["order"] }, config);
    const asked = await graph.getState(config);
    await graph.invoke(new Command({ resume: "no" }), config);
    await saver.rollback("asks again", { to: checkpointIdOf(asked.config), discard: true });
    await graph.invoke(null, config);
    const again = await graph.getState(config);
    expect(again.tasks[0]!.interrupts.map(({ value }) => value as string)).toEqual(["ok?"]);
    expect((await saver.threads.get("asks again"))!.status).toBe("interrupted");
    await graph.invoke(new Command({ resume: "yes" }), config);
    expect(await logOf(graph, config)).toEqual(["order", "plan", "yes"]);
  });

  it("waits with the same question after a rollback away from it is undone", async () => {
    const saver = database.openSaver();
    const { graph } = createApproval(saver);
    const config = thread("undone");
    await graph.invoke({ log: ["order"] }, config);
    const asked = await graph.getState(config);
    await saver.rollback("undone", { to: { steps: 1 }, discard: true });
    expect((await graph.getState(config)).next).toEqual(["plan"]);
    await saver.undoRollback("undone");
    const back = await graph.getState(config);
    expect(back.tasks).toEqual(asked.tasks);
    expect(back.values).toEqual(asked.values);
    await graph.invoke(new Command({ resume: "yes" }), config);
    expect(await logOf(graph, config)).toEqual(["order", "plan", "yes"]);
    expect((await database.openSaver().verifyThread("undone")).damages).toEqual([]);
  });

  it("waits in a forked thread too, and each thread is answered for itself", async () => {
    const saver = database.openSaver();
    const { graph, calls } = createApproval(saver);
    const config = thread("forked");
    await graph.invoke({ log: ["order"] }, config);
    const asked = await graph.getState(config);
    const fork = await saver.fork("forked", { from: checkpointIdOf(asked.config), to: "fork" });
    const copy = await graph.getState(thread("fork"));
    expect(copy.tasks).toEqual(asked.tasks);
    expect(copy.values).toEqual(asked.values);
    expect(checkpointIdOf(fork)).toBe(checkpointIdOf(asked.config));
    await graph.invoke(new Command({ resume: "no" }), thread("fork"));
    await graph.invoke(new Command({ resume: "yes" }), config);
    expect(await logOf(graph, thread("fork"))).toEqual(["order", "plan", "no"]);
    expect(await logOf(graph, config)).toEqual(["order", "plan", "yes"]);
    expect(calls.plan).toBe(1);
    const { channels } = await saver.diff(config, thread("fork"));
    expect(channels).toEqual([
      {
        channel: "log",
        change: "items",
        appended: ["no"],
        inserted: [],
        removed: ["yes"],
        changed: [],
      },
    ]);
    for (const id of ["forked", "fork"]) {
      expect((await database.openSaver().verifyThread(id)).damages).toEqual([]);
    }
  });
});

describe("a graph with a subgraph that keeps one history", () => {
  it("finds the subgraph as it was then, and as it was again after the rollback is undone", async () => {
    const saver = database.openSaver();
    const graph = createCounting(saver);
    const config = thread("lasting");
    const seen: unknown[] = [];
    const turn = async () => seen.push((await graph.invoke({ turns: 1 }, config)).seen);
    await turn();
    const first = await graph.getState(config);
    await turn();
    await turn();
    expect(seen).toEqual([1, 2, 3]);
    await saver.rollback("lasting", { to: checkpointIdOf(first.config) });
    await turn();
    expect(seen.at(-1)).toBe(2);
    await saver.undoRollback("lasting");
    await turn();
    expect(seen.at(-1)).toBe(4);
    expect((await database.openSaver().verifyThread("lasting")).damages).toEqual([]);
  });

  it("begins anew in the subgraph if that had not run yet", async () => {
    const saver = database.openSaver();
    const graph = createCounting(saver);
    const config = thread("not yet");
    await graph.invoke({ turns: 1 }, config);
    await graph.invoke({ turns: 1 }, config);
    const history = await Array.fromAsync(graph.getStateHistory(config));
    await saver.rollback("not yet", { to: checkpointIdOf(history.at(-1)!.config), discard: true });
    expect((await graph.invoke({ turns: 1 }, config)).seen).toBe(1);
    await saver.undoRollback("not yet");
    expect((await graph.invoke({ turns: 1 }, config)).seen).toBe(3);
  });

  it("goes along with a fork", async () => {
    const saver = database.openSaver();
    const graph = createCounting(saver);
    await graph.invoke({ turns: 1 }, thread("goes along"));
    await graph.invoke({ turns: 1 }, thread("goes along"));
    await saver.fork("goes along", { from: { steps: 1 }, to: "gone along" });
    const { config } = await graph.getState(thread("gone along"));
    expect(config.configurable!["thread_id"]).toBe("gone along");
    await saver.fork("goes along", {
      from: checkpointIdOf((await graph.getState(thread("goes along"))).config),
      to: "whole",
    });
    expect((await graph.invoke({ turns: 1 }, thread("whole"))).seen).toBe(3);
    expect((await database.openSaver().verifyThread("whole")).damages).toEqual([]);
  });
});

describe("a delta channel", () => {
  it("has its value of then after a rollback, a fork, and after the rollback is undone", async () => {
    const saver = database.openSaver();
    const graph = createDelta(saver);
    const config = thread("delta");
    const say = (text: string, to = config) =>
      graph.invoke({ messages: [new HumanMessage({ id: text, content: text })] }, to);
    const textsOf = async (of: RunnableConfig) =>
      ((await graph.getState(of)).values as { messages: BaseMessage[] }).messages.map(
        ({ content }) => content,
      );
    await say("one");
    await say("two");
    const then = await graph.getState(config);
    await say("three");
    const all = await textsOf(config);
    await saver.rollback("delta", { to: checkpointIdOf(then.config) });
    expect(await textsOf(config)).toEqual(await textsOf(then.config));
    await say("other");
    expect(await textsOf(config)).toEqual([...(await textsOf(then.config)), "other"]);
    await saver.fork("delta", { from: checkpointIdOf(then.config), to: "delta fork" });
    expect(await textsOf(thread("delta fork"))).toEqual(await textsOf(then.config));
    await say("in the fork", thread("delta fork"));
    expect(await textsOf(thread("delta fork"))).toEqual([
      ...(await textsOf(then.config)),
      "in the fork",
    ]);
    await saver.undoRollback("delta");
    expect(await textsOf(config)).toEqual(all);
    const [messages] = (await saver.diff(then.config, config)).channels;
    expect(messages).toEqual({ channel: "messages", change: "unstored" });
  });
});

function createApproval(checkpointer: MongoDBSaver) {
  const calls = { plan: 0 };
  const State = Annotation.Root({
    log: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
  });
  const graph = new StateGraph(State)
    .addNode("plan", () => {
      calls.plan += 1;
      return { log: ["plan"] };
    })
    .addNode("approve", () => ({ log: [interrupt<string, string>("ok?")] }))
    .addEdge(START, "plan")
    .addEdge("plan", "approve")
    .addEdge("approve", END)
    .compile({ checkpointer });
  return { graph, calls };
}

async function logOf(
  graph: ReturnType<typeof createApproval>["graph"],
  config: RunnableConfig,
): Promise<readonly string[]> {
  const state = await graph.getState(config);
  return (state.values as { log: string[] }).log;
}

/** A subgraph counts how often it has run in the thread. */
function createCounting(checkpointer: MongoDBSaver) {
  const Inner = Annotation.Root({
    count: Annotation<number>({ reducer: (a, b) => a + b, default: () => 0 }),
  });
  const inner = new StateGraph(Inner)
    .addNode("count_up", () => ({ count: 1 }))
    .addEdge(START, "count_up")
    .compile({ checkpointer: true });
  const State = Annotation.Root({
    turns: Annotation<number>({ reducer: (a, b) => a + b, default: () => 0 }),
    seen: Annotation<number>(),
  });
  return new StateGraph(State)
    .addNode("ask", async () => ({ seen: (await inner.invoke({ count: 0 })).count }))
    .addEdge(START, "ask")
    .compile({ checkpointer });
}

function createDelta(checkpointer: MongoDBSaver) {
  const State = Annotation.Root({
    messages: new DeltaChannel(messagesDeltaReducer, {
      snapshotFrequency: 5,
      initialValueFactory: () => [],
    }),
  });
  return new StateGraph(State)
    .addNode("answer", () => ({}))
    .addEdge(START, "answer")
    .compile({ checkpointer });
}

function thread(threadId: string): RunnableConfig {
  return { configurable: { thread_id: threadId } };
}

function checkpointIdOf({ configurable }: RunnableConfig): string {
  return configurable!["checkpoint_id"] as string;
}
