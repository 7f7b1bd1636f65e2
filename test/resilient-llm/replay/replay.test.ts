import { HumanMessage, SystemMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import {
  Annotation,
  type BaseCheckpointSaver,
  Command,
  interrupt,
  MemorySaver,
  MessagesAnnotation,
  Send,
  StateGraph,
} from "@langchain/langgraph";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import {
  InvalidOptionsError,
  journaledTool,
  journalToolCalls,
  type ResilientChatModel,
} from "@threadkeep/resilient-llm";
import {
  assertSameReplay,
  formatReplay,
  replay,
  type ReplayReport,
} from "@threadkeep/resilient-llm/replay";
import { emptyCheckpoint } from "@langchain/langgraph-checkpoint";
import { createAgent, createMiddleware } from "langchain";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { z } from "zod";
import { inMemory, useJournalDatabase } from "../journal/journals.ts";
import type { FaultServer } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";

const database = useJournalDatabase();

let threads = 0;
function newThread(): { readonly configurable: { readonly thread_id: string } } {
  threads += 1;
  return { configurable: { thread_id: `replayed-${threads}` } };
}

function say(system: string) {
  return (model: ResilientChatModel) =>
    async ({ messages }: typeof MessagesAnnotation.State) => ({
      messages: [await model.invoke([new SystemMessage(system), ...messages])],
    });
}

/** `draft ─▶ review`, with prompts that can be changed. */
function buildGraph(
  model: ResilientChatModel,
  checkpointer: BaseCheckpointSaver,
  { review = "Review." } = {},
) {
  return new StateGraph(MessagesAnnotation)
    .addNode("draft", say("Draft.")(model))
    .addNode("review", say(review)(model))
    .addEdge("__start__", "draft")
    .addEdge("draft", "review")
    .compile({ checkpointer });
}

const question = { messages: [new HumanMessage({ content: "A poem, please.", id: "q" })] };

/** The outcomes of the steps, by their nodes. */
function readOutcomes({ steps }: ReplayReport): string[] {
  return steps.map(({ nodes, outcome }) => `${nodes.join("+")}: ${outcome}`);
}

const places = [
  {
    ...inMemory(),
    name: "MemorySaver and InMemoryCallJournal",
    openSaver: () => new MemorySaver(),
  },
  {
    ...database,
    name: "MongoDBSaver and MongoDBCallJournal",
    openSaver: () => new MongoDBSaver({ client: database.client, dbName: database.dbName }),
  },
];

describe.each(places)("a replay on $name", ({ open, openSaver }) => {
  async function record(server: FaultServer) {
    const saver = openSaver() as BaseCheckpointSaver;
    const config = newThread();
    const { model } = createModel([server], { journal: open() });
    await buildGraph(model, saver).invoke(question, { ...config, durability: "sync" });
    return { saver, threadId: config.configurable.thread_id };
  }

  it("finds every step the same, without a request and without a write", async () => {
    const server = await startServer(replies.answer("Roses."), replies.answer("Good."));
    const { saver, threadId } = await record(server);
    const journal = open();
    const { model } = createModel([server], { journal });
    const put = vi.spyOn(saver, "put");
    const write = vi.spyOn(journal, "write");
    const report = await replay(threadId, { journal, graph: buildGraph(model, saver) });
    expect(readOutcomes(report)).toEqual(["draft: same", "review: same"]);
    expect(report.isSame).toBe(true);
    expect(report.steps.flatMap(({ calls }) => calls)).toMatchObject([
      { kind: "model", node: "draft", outcome: "replayed" },
      { kind: "model", node: "review", outcome: "replayed" },
    ]);
    expect(() => assertSameReplay(report)).not.toThrow();
    expect(server.requests).toHaveLength(2);
    expect(put).not.toHaveBeenCalled();
    expect(write).not.toHaveBeenCalled();
    expect(model.costs.snapshot()).toMatchObject({ calls: 0, costUsd: 0 });
  });

  it("says which step asks something else than before, and does not ask it", async () => {
    const server = await startServer(replies.answer("Roses."), replies.answer("Good."));
    const { saver, threadId } = await record(server);
    const journal = open();
    const { model } = createModel([server], { journal });
    const graph = buildGraph(model, saver, { review: "Review strictly." });
    const report = await replay(threadId, { journal, graph });
    expect(readOutcomes(report)).toEqual(["draft: same", "review: different"]);
    const error = await rejection((async () => assertSameReplay(report))());
    expect(error).toMatchObject({ code: "REPLAY_DIFFERS", message: formatReplay(report) });
    expect(String(error)).toContain("model call of review: it asks something else");
    expect(server.requests).toHaveLength(2);
  });

  it("asks a changed prompt and a changed model for real, where they are named, and shows both answers", async () => {
    const server = await startServer(replies.answer("Roses."), replies.answer("Good."));
    const { saver, threadId } = await record(server);
    const journal = open();
    const { model } = createModel([server], { journal });
    const graph = buildGraph(model, saver);
    server.play(replies.answer("Bad."));
    const changed = { prompt: "Review strictly.", nodes: ["review"] };
    const report = await replay(threadId, { journal, graph, with: changed });
    expect(readOutcomes(report)).toEqual(["draft: same", "review: different"]);
    expect(server.requests).toHaveLength(3);
    expect(server.requests[2]?.body.messages[0]?.content).toBe("Review strictly.");
    expect(formatReplay(report)).toContain(
      "step 2: review: different\n  model call of review: asked for real\n    - Good.\n    + Bad.\n",
    );
    expect(report.steps[1]?.differences).toEqual([
      { path: "messages[2].content", before: "Good.", after: "Bad." },
    ]);

    const other = new FakeListChatModel({ responses: ["Tulips.", "Good."] });
    const second = await replay(threadId, { journal, graph, with: { model: other } });
    expect(readOutcomes(second)).toEqual(["draft: different", "review: same"]);
    expect(second.steps[0]?.calls).toMatchObject([
      { outcome: "asked", before: "Roses.", after: "Tulips." },
    ]);
    expect(server.requests).toHaveLength(3);
  });

  it("follows interrupts and their answers, later turns and forks", async () => {
    const server = await startServer(
      ...["One", "Two", "Three", "Four"].map((text) => replies.answer(text)),
    );
    const saver = openSaver() as BaseCheckpointSaver;
    const config = newThread();
    const build = () => {
      const journal = open();
      const { model } = createModel([server], { journal });
      const graph = new StateGraph(MessagesAnnotation)
        .addNode("suggest", say("Suggest.")(model))
        .addNode("approve", () => {
          const first: string = interrupt("Good?");
          const second: string = interrupt("Really?");
          return { messages: [new HumanMessage(`${first} ${second}`)] };
        })
        .addEdge("__start__", "suggest")
        .addEdge("suggest", "approve")
        .compile({ checkpointer: saver });
      return { graph, journal };
    };
    const { graph } = build();
    const durable = { ...config, durability: "sync" as const };
    await graph.invoke(question, durable);
    const threadId = config.configurable.thread_id;
    const waiting = await replay(threadId, build());
    expect(readOutcomes(waiting)).toEqual(["suggest: same", "approve: same"]);
    await graph.invoke(new Command({ resume: "yes" }), durable);
    await graph.invoke(new Command({ resume: "really" }), durable);
    await graph.invoke({ messages: [new HumanMessage("Another one.")] }, durable);
    // A fork from the first suggestion's state.
    const history = [];
    for await (const state of graph.getStateHistory(config)) history.push(state);
    const first = history.findLast(({ next }) => next.includes("suggest"));
    await graph.invoke(null, { ...first!.config, durability: "sync" });
    const report = await replay(threadId, build());
    expect(report.isSame).toBe(true);
    expect(readOutcomes(report).filter((outcome) => outcome.startsWith("suggest"))).toHaveLength(3);
    expect(readOutcomes(report).filter((outcome) => outcome.startsWith("approve"))).toHaveLength(3);
    expect(server.requests).toHaveLength(3);
  });

  it("replays journaled tools, runs others only if they are named, and never those that act once", async () => {
    const calls = ["search", "pay", "add"].map((name) => ({ name, args: '{"text":"x"}' }));
    const server = await startServer(
      replies.completion(null, { toolCalls: calls }),
      replies.answer("Done."),
    );
    const acted: string[] = [];
    const makeTool = (name: string) =>
      tool(
        ({ text }: { text: string }) => {
          acted.push(name);
          return `${name}: ${text}`;
        },
        { name, schema: z.object({ text: z.string() }) },
      );
    const saver = openSaver() as BaseCheckpointSaver;
    const config = newThread();
    const build = () => {
      const journal = open();
      const { model } = createModel([server], { journal });
      const wrapToolCall = journalToolCalls({
        journal,
        sideEffects: { search: "none", pay: "once" },
      });
      const graph = createAgent({
        model,
        tools: ["search", "pay", "add"].map(makeTool),
        middleware: [createMiddleware({ name: "JournaledTools", wrapToolCall })],
        checkpointer: saver,
      });
      return { graph, journal };
    };
    await build().graph.invoke(
      { messages: [new HumanMessage("Pay.")] },
      { ...config, durability: "sync" },
    );
    expect(acted.toSorted()).toEqual(["add", "pay", "search"]);
    const threadId = config.configurable.thread_id;
    const errors = vi.spyOn(console, "error").mockImplementation(() => undefined);
    onTestFinished(() => errors.mockRestore());
    const refused = await replay(threadId, build());
    expect(acted).toHaveLength(3);
    expect(refused.isSame).toBe(false);
    expect(formatReplay(refused)).toContain("tool add of tools: it is not journaled");
    const report = await replay(threadId, { ...build(), runTools: ["add", "pay"] });
    expect(formatReplay(report)).toContain("all the same");
    expect(acted.slice(3)).toEqual(["add"]);
    const { journal } = build();
    await journal.deleteThread(threadId);
    const forgotten = await replay(threadId, { ...build(), runTools: ["add", "pay"] });
    expect(acted.slice(4)).not.toContain("pay");
    expect(formatReplay(forgotten)).toContain("it may act once, so it was not run");
  });

  it("follows subgraphs, fan-outs and the interrupts inside of them", async () => {
    const server = await startServer();
    server.playScript(({ body }) =>
      replies.answer(`About ${String(body.messages.at(-1)?.content)}`),
    );
    const saver = openSaver() as BaseCheckpointSaver;
    const config = newThread();
    const State = Annotation.Root({
      topics: Annotation<string[]>,
      notes: Annotation<string[]>({
        reducer: (left, right) => [...left, ...right],
        default: () => [],
      }),
    });
    const build = () => {
      const journal = open();
      const { model } = createModel([server], { journal });
      const Inner = Annotation.Root({ topic: Annotation<string>, notes: Annotation<string[]> });
      const inner = new StateGraph(Inner)
        .addNode("look", async ({ topic }) => ({ notes: [(await model.invoke(topic)).text] }))
        .addNode("again", async ({ notes, topic }) => ({
          notes: [...notes, (await model.invoke(topic)).text],
        }))
        .addNode("check", ({ notes }) => {
          const first: string = interrupt("Enough?");
          return { notes: [...notes, first] };
        })
        .addNode("confirm", ({ notes }) => {
          const second: string = interrupt("Sure?");
          return { notes: [...notes, second] };
        })
        .addEdge("__start__", "look")
        .addEdge("look", "again")
        .addConditionalEdges("again", ({ topic }) => (topic === "sea" ? "check" : "__end__"))
        .addEdge("check", "confirm")
        .compile();
      const graph = new StateGraph(State)
        .addNode("plan", () => ({}))
        .addNode("research", inner)
        .addNode("sum", async ({ notes }) => ({ notes: [(await model.invoke(notes.join())).text] }))
        .addEdge("__start__", "plan")
        .addConditionalEdges("plan", ({ topics }) =>
          topics.map((topic) => new Send("research", { topic, notes: [] })),
        )
        .addEdge("research", "sum")
        .compile({ checkpointer: saver });
      return { graph, journal };
    };
    const durable = { ...config, durability: "sync" as const };
    const { graph } = build();
    await graph.invoke({ topics: ["sky", "sea"] }, durable);
    await graph.invoke(new Command({ resume: "yes" }), durable);
    await graph.invoke(new Command({ resume: "sure" }), durable);
    const asked = server.requests.length;
    const report = await replay(config.configurable.thread_id, build());
    expect(formatReplay(report)).toContain("all the same");
    expect(readOutcomes(report)).toEqual(["plan: same", "research+research: same", "sum: same"]);
    expect(server.requests).toHaveLength(asked);
  });
});

describe("a replay", () => {
  it("refuses models that no journal records before they are asked", async () => {
    const saver = new MemorySaver();
    const config = newThread();
    const { open } = inMemory();
    const model = new FakeListChatModel({ responses: ["One", "Two"] });
    const asked = vi.spyOn(model, "_generate");
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("model", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
      .addEdge("__start__", "model")
      .compile({ checkpointer: saver });
    await graph.invoke(question, config);
    const errors = vi.spyOn(console, "error").mockImplementation(() => undefined);
    onTestFinished(() => errors.mockRestore());
    const report = await replay(config.configurable.thread_id, { journal: open(), graph });
    expect(readOutcomes(report)).toEqual(["model: different"]);
    expect(formatReplay(report)).toContain("which no journal records");
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it("leaves out the channels that it is told to ignore, and says where others differ", async () => {
    const saver = new MemorySaver();
    const config = newThread();
    const State = Annotation.Root({ at: Annotation<number>, list: Annotation<object[]> });
    let now = 0;
    const graph = new StateGraph(State)
      .addNode("tick", () => {
        now += 1;
        return { at: now, list: [{ same: 1, now }, { also: 2 }] };
      })
      .addEdge("__start__", "tick")
      .compile({ checkpointer: saver });
    await graph.invoke({}, config);
    const journal = inMemory().open();
    const { thread_id: threadId } = config.configurable;
    const report = await replay(threadId, { journal, graph, ignoreChannels: ["at"] });
    expect(report.steps[0]?.differences).toEqual([{ path: "list[0].now", before: 1, after: 2 }]);
    const all = await replay(threadId, { journal, graph });
    expect(all.steps[0]?.differences.map(({ path }) => path)).toEqual(["at", "list[0].now"]);
  });

  it("says what a thread that was cut off cannot be compared with, and what a step failed with", async () => {
    const saver = new MemorySaver();
    const config = newThread();
    let fails = true;
    const State = Annotation.Root({ at: Annotation<number> });
    const graph = new StateGraph(State)
      .addNode("work", () => {
        if (fails) throw new Error("no power");
        return { at: 1 };
      })
      .addEdge("__start__", "work")
      .compile({ checkpointer: saver });
    await expect(graph.invoke({}, config)).rejects.toThrow("no power");
    const journal = inMemory().open();
    const { thread_id: threadId } = config.configurable;
    const cut = await replay(threadId, { journal, graph });
    expect(readOutcomes(cut)).toEqual(["work: unfinished"]);
    fails = false;
    await graph.invoke(null, config);
    fails = true;
    const report = await replay(threadId, { journal, graph });
    expect(report.steps[0]).toMatchObject({ outcome: "different", error: "no power" });
    expect(formatReplay(report)).toContain("failed: no power");
  });

  it("says what is wrong with its options, and that a thread is not stored", async () => {
    const saver = new MemorySaver();
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("model", () => ({}))
      .addEdge("__start__", "model")
      .compile({ checkpointer: saver });
    const journal = inMemory().open();
    const wrong = await rejection(
      replay("", { journal: {}, graph: {}, With: {}, runTools: "all" } as never),
    );
    expect(wrong).toBeInstanceOf(InvalidOptionsError);
    for (const text of [
      "threadId",
      "journal: expected",
      "graph: expected",
      "runTools",
      "did you mean with?",
    ]) {
      expect(String(wrong)).toContain(text);
    }
    expect(await rejection(replay("nobody", { journal, graph }))).toMatchObject({
      code: "INVALID_OPTIONS",
      message: expect.stringContaining("is not stored") as string,
    });
    const session = { configurable: { thread_id: "session", checkpoint_ns: "" } };
    const metadata = { source: "update", step: 0, parents: {} } as const;
    await saver.put(session, emptyCheckpoint(), metadata);
    expect(await rejection(replay("session", { journal, graph }))).toMatchObject({
      code: "INVALID_OPTIONS",
      message: expect.stringContaining("nothing to replay") as string,
    });
    for (const nothing of [undefined, null, "text"]) {
      await expect(replay("t", nothing as never)).rejects.toThrow(InvalidOptionsError);
    }
  });

  it("lets a journaled tool of a node be replayed, and streams of models too", async () => {
    const server = await startServer(replies.answer("Streamed words of an answer."));
    const saver = new MemorySaver();
    const config = newThread();
    const { open } = inMemory();
    let acted = 0;
    const build = () => {
      const journal = open();
      const { model } = createModel([server], { journal });
      const count = tool(
        () => {
          acted += 1;
          return acted;
        },
        { name: "count", schema: z.object({}) },
      );
      const journaled = journaledTool(count, { journal, sideEffects: "none" });
      const State = Annotation.Root({ text: Annotation<string>, counted: Annotation<number> });
      const graph = new StateGraph(State)
        .addNode("model", async () => {
          let text = "";
          for await (const chunk of await model.stream("Go")) text += chunk.text;
          return { text, counted: await journaled.invoke({}) };
        })
        .addEdge("__start__", "model")
        .compile({ checkpointer: saver });
      return { graph, journal };
    };
    await build().graph.invoke({}, config);
    const report = await replay(config.configurable.thread_id, build());
    expect(formatReplay(report)).toContain("all the same");
    expect(acted).toBe(1);
    expect(server.requests).toHaveLength(1);
  });
});
