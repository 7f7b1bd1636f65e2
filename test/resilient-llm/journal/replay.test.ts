import type { AIMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import {
  Annotation,
  Command,
  interrupt,
  MemorySaver,
  MessagesAnnotation,
  Send,
  StateGraph,
} from "@langchain/langgraph";
import { createAgent } from "langchain";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import * as replies from "../testing/replies.ts";
import { createModel, startServer } from "../testing/test-model.ts";
import { collectStream } from "./collect-stream.ts";
import { inMemory, useJournalDatabase } from "./journals.ts";

const question = { messages: [{ role: "user", content: "Why is the sky blue?" }] };

let threads = 0;
function newThread(): { readonly configurable: { readonly thread_id: string } } {
  threads += 1;
  return { configurable: { thread_id: `thread-${threads}` } };
}

/** A crash: the node's work is lost, and the checkpoint before it stays. */
class Crash extends Error {}

function readResilience(message: unknown): Record<string, unknown> {
  return (message as AIMessage).response_metadata["resilience"] as Record<string, unknown>;
}

/** What makes two answers the same one. */
function describeAnswer({ content, id, tool_calls, usage_metadata }: AIMessage) {
  return { content, id, tool_calls, usage_metadata };
}

const database = useJournalDatabase();

describe.each([inMemory(), database])("$name", ({ open }) => {
  /** A graph of one model node that crashes after its first answer. */
  async function crashOnce(
    ask: (
      model: ReturnType<typeof createModel>["model"],
      state: typeof MessagesAnnotation.State,
    ) => Promise<AIMessage>,
    ...answers: Parameters<typeof startServer>
  ) {
    const server = await startServer(...answers);
    const saver = new MemorySaver();
    const config = newThread();
    const seen: AIMessage[] = [];
    const run = (crashes: boolean, input: typeof question | null) => {
      const { events, model } = createModel([server], { journal: open() });
      const graph = new StateGraph(MessagesAnnotation)
        .addNode("model", async (state) => {
          const message = await ask(model, state);
          seen.push(message);
          if (crashes) throw new Crash("between the answer and the checkpoint");
          return { messages: [message] };
        })
        .addEdge("__start__", "model")
        .compile({ checkpointer: saver });
      return { events, model, result: graph.invoke(input, config) };
    };
    await expect(run(true, question).result).rejects.toThrow(Crash);
    const again = run(false, null);
    const { messages } = await again.result;
    return { ...again, server, seen, messages };
  }

  it("a node that runs again gets the answer that it had, without a request and without cost", async () => {
    const { events, messages, model, seen, server } = await crashOnce(
      (asked, state) => asked.invoke(state.messages),
      replies.answer("Because of Rayleigh scattering."),
      replies.answer("Another answer"),
    );
    expect(server.requests).toHaveLength(1);
    const [first, second] = seen as [AIMessage, AIMessage];
    expect(describeAnswer(second)).toEqual(describeAnswer(first));
    expect(messages.at(-1)?.text).toBe("Because of Rayleigh scattering.");
    expect(readResilience(first)).not.toHaveProperty("replayed");
    expect(readResilience(second)).toMatchObject({ replayed: true, candidate: "first" });
    expect(model.costs.snapshot()).toMatchObject({ calls: 0, attempts: 0, costUsd: 0 });
    expect(events.map(({ type }) => type)).toContain("journal-replayed");
  });

  it("a stream gets it as a stream, and its chunks add up to the same message", async () => {
    const pieces: number[] = [];
    const { messages, seen, server } = await crashOnce(
      async (model, state) => {
        const { chunks, whole } = await collectStream(model.stream(state.messages));
        pieces.push(chunks.length);
        return whole;
      },
      replies.answer("Because of Rayleigh scattering of the light of the sun in the air."),
      replies.answer("Another answer"),
    );
    expect(server.requests).toHaveLength(1);
    expect(pieces[1]).toBeGreaterThan(2);
    const [first, second] = seen as [AIMessage, AIMessage];
    expect(describeAnswer(second)).toEqual(describeAnswer(first));
    expect(messages.at(-1)?.text).toContain("light of the sun");
    expect(readResilience(second)).toMatchObject({ replayed: true });
  });

  it("tool calls keep their ids and arguments, streamed or not", async () => {
    const calls = [{ name: "add", args: '{"a": 40, "b": 2}' }];
    const streamed = replies.stream(
      { toolCall: { id: "call_7", name: "add", args: '{"a": 40,' } },
      { toolCall: { args: ' "b": 2}' } },
      { finish: "tool_calls" },
      { usage: replies.usage },
      { done: true },
    );
    for (const mode of ["invoke", "stream"] as const) {
      const { seen, server } = await crashOnce(
        async (model, state) => {
          const add = { type: "function", function: { name: "add", parameters: {} } };
          const bound = model.withConfig({ tools: [add] });
          if (mode === "invoke") return bound.invoke(state.messages);
          return (await collectStream(bound.stream(state.messages))).whole;
        },
        (response, request) =>
          request.streaming
            ? streamed(response, request)
            : replies.completion(null, { toolCalls: calls })(response, request),
      );
      expect(server.requests).toHaveLength(1);
      const [first, second] = seen as [AIMessage, AIMessage];
      expect(first.tool_calls).toMatchObject([{ name: "add", args: { a: 40, b: 2 } }]);
      expect(describeAnswer(second)).toEqual(describeAnswer(first));
    }
  });

  it("a changed prompt, model or parameter is asked anew", async () => {
    const changes: ((
      model: ReturnType<typeof createModel>["model"],
      state: typeof MessagesAnnotation.State,
      isFirst: boolean,
    ) => Promise<unknown>)[] = [
      (model, { messages }, isFirst) => model.invoke(isFirst ? messages : [...messages, "And?"]),
      (model, { messages }, isFirst) =>
        model.withConfig(isFirst ? {} : { stop: ["."] }).invoke(messages),
      (model, { messages }, isFirst) =>
        model
          .withConfig(isFirst ? {} : { tools: [{ name: "t", input_schema: {} }] })
          .invoke(messages),
    ];
    for (const change of changes) {
      let asked = 0;
      const { messages, server } = await crashOnce(
        (model, state) => {
          asked += 1;
          return change(model, state, asked === 1) as Promise<AIMessage>;
        },
        replies.answer("Old"),
        replies.answer("New"),
      );
      expect(server.requests).toHaveLength(2);
      expect(messages.at(-1)?.text).toBe("New");
    }
  });

  it('`journal: "off"` asks anew', async () => {
    const { server } = await crashOnce(
      (model, state) => model.invoke(state.messages, { journal: "off" }),
      replies.answer("Old"),
      replies.answer("New"),
    );
    expect(server.requests).toHaveLength(2);
    expect(server.requests[1]?.body).not.toHaveProperty("journal");
  });

  it("a run that is resumed with another durability finds its answers", async () => {
    const server = await startServer(replies.answer("Old"), replies.answer("New"));
    const saver = new MemorySaver();
    const config = newThread();
    let runs = 0;
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("model", async (state) => {
        const { model } = createModel([server], { journal: open() });
        const message = await model.invoke(state.messages);
        runs += 1;
        if (runs === 1) throw new Crash("later");
        return { messages: [message] };
      })
      .addEdge("__start__", "model")
      .compile({ checkpointer: saver });
    await expect(graph.invoke(question, { ...config, durability: "sync" })).rejects.toThrow(Crash);
    const { messages } = await graph.invoke(null, { ...config, durability: "async" });
    expect(messages.at(-1)?.text).toBe("Old");
    expect(server.requests).toHaveLength(1);
  });

  it("the same prompt twice in one task gets two answers, and each again", async () => {
    const server = await startServer(replies.answer("One"), replies.answer("Two"));
    const State = Annotation.Root({ texts: Annotation<string[]> });
    const saver = new MemorySaver();
    const config = newThread();
    let runs = 0;
    const run = (input: { texts: string[] } | null) => {
      const { model } = createModel([server], { journal: open() });
      return new StateGraph(State)
        .addNode("model", async () => {
          const first = await model.invoke("Throw a dice");
          const second = await model.invoke("Throw a dice");
          runs += 1;
          if (runs === 1) throw new Crash("later");
          return { texts: [first.text, second.text] };
        })
        .addEdge("__start__", "model")
        .compile({ checkpointer: saver })
        .invoke(input, config);
    };
    await expect(run({ texts: [] })).rejects.toThrow(Crash);
    expect(await run(null)).toEqual({ texts: ["One", "Two"] });
    expect(server.requests).toHaveLength(2);
  });

  it("a node that is retried or resumed after an interrupt does not ask again", async () => {
    const server = await startServer(replies.answer("One"), replies.answer("Two"));
    const { model } = createModel([server], { journal: open() });
    const State = Annotation.Root({ text: Annotation<string> });
    let runs = 0;
    const graph = new StateGraph(State)
      .addNode(
        "model",
        async () => {
          const draft = await model.invoke("Write a draft");
          runs += 1;
          if (runs === 1) throw new Error("A node that fails");
          const verdict = String(interrupt("Good?"));
          return { text: `${draft.text} ${verdict}` };
        },
        { retryPolicy: { maxAttempts: 2, initialInterval: 1, jitter: false, logWarning: false } },
      )
      .addEdge("__start__", "model")
      .compile({ checkpointer: new MemorySaver() });
    const config = newThread();
    await graph.invoke({ text: "" }, config);
    expect(await graph.invoke(new Command({ resume: "yes" }), config)).toEqual({ text: "One yes" });
    expect(runs).toBe(3);
    expect(server.requests).toHaveLength(1);
  });

  it("a later turn, another thread and a fork of the past are asked anew", async () => {
    const server = await startServer(
      replies.answer("One"),
      replies.answer("Two"),
      replies.answer("Three"),
      replies.answer("Four"),
    );
    const { model } = createModel([server], { journal: open() });
    const State = Annotation.Root({ text: Annotation<string> });
    const graph = new StateGraph(State)
      .addNode("model", async () => ({ text: (await model.invoke("Same prompt")).text }))
      .addEdge("__start__", "model")
      .compile({ checkpointer: new MemorySaver() });
    const config = newThread();
    expect(await graph.invoke({ text: "" }, config)).toEqual({ text: "One" });
    expect(await graph.invoke({ text: "" }, config)).toEqual({ text: "Two" });
    expect(await graph.invoke({ text: "" }, newThread())).toEqual({ text: "Three" });
    for await (const { config: past, next } of graph.getStateHistory(config)) {
      if (next[0] !== "model") continue;
      expect(await graph.invoke(null, past)).toEqual({ text: "Four" });
      break;
    }
  });

  it("tasks of a fan-out and of a subgraph keep their own answers", async () => {
    const server = await startServer();
    server.playScript(({ body }) => replies.answer(`re: ${String(body.messages[0]?.content)}`));
    const Inner = Annotation.Root({ item: Annotation<number>, done: Annotation<string[]> });
    const Outer = Annotation.Root({
      done: Annotation<string[]>({
        reducer: (left, right) => [...left, ...right],
        default: () => [],
      }),
    });
    const saver = new MemorySaver();
    const config = newThread();
    let isFirst = true;
    const run = (input: { done: string[] } | null) => {
      const { model } = createModel([server], { journal: open() });
      const inner = new StateGraph(Inner)
        .addNode("ask", async ({ item }) => {
          const same = await model.invoke("the same for all");
          const { text } = await model.invoke(`item ${item}`);
          if (item === 2 && isFirst) throw new Crash("in one task");
          return { done: [`${text}, ${same.text}`] };
        })
        .addEdge("__start__", "ask")
        .compile();
      return new StateGraph(Outer)
        .addNode("work", inner)
        .addConditionalEdges("__start__", () =>
          [0, 1, 2].map((item) => new Send("work", { item, done: [] })),
        )
        .compile({ checkpointer: saver })
        .invoke(input, config);
    };
    await expect(run({ done: [] })).rejects.toThrow(Crash);
    const asked = server.requests.length;
    isFirst = false;
    const { done } = await run(null);
    expect(done.toSorted()).toEqual(
      [0, 1, 2].map((item) => `re: item ${item}, re: the same for all`),
    );
    // What tasks of the first run had not asked when it crashed is all that is left.
    expect(server.requests.length - asked).toBe(6 - asked);
  });

  it("createAgent: a crash in a tool asks the model once for each step", async () => {
    const server = await startServer(
      replies.completion(null, { toolCalls: [{ name: "add", args: '{"a": 40, "b": 2}' }] }),
      replies.completion("The sum is 42."),
    );
    const saver = new MemorySaver();
    const config = newThread();
    let isFirst = true;
    const run = (input: typeof question | null) => {
      const { model } = createModel([server], { journal: open() });
      const add = tool(
        ({ a, b }) => {
          if (isFirst) throw new Crash("in the tool");
          return String(a + b);
        },
        { name: "add", description: "Adds", schema: z.object({ a: z.number(), b: z.number() }) },
      );
      const agent = createAgent({ model, tools: [add], checkpointer: saver });
      return agent.invoke(input as typeof question, config);
    };
    await run(question).catch(() => undefined);
    isFirst = false;
    const { messages } = await run(null);
    expect(messages.at(-1)?.text).toBe("The sum is 42.");
    expect(server.requests).toHaveLength(2);
  });

  it("outside of a graph, a named task gets its answer again; without a name, nothing is kept", async () => {
    const server = await startServer(replies.answer("One"), replies.answer("Two"));
    const { model } = createModel([server], { journal: open() });
    const config = newThread();
    const named = { ...config, journal: { task: "step-1" } };
    expect((await model.invoke("Same", named)).text).toBe("One");
    expect((await model.invoke("Same", named)).text).toBe("One");
    expect((await model.invoke("Same", config)).text).toBe("Two");
    expect((await model.invoke("Same", { ...config, journal: { task: "step-2" } })).text).toBe(
      "Two",
    );
    expect(server.requests).toHaveLength(3);
  });

  it("structured output gets what it had", async () => {
    const schema = z.object({ color: z.string() });
    const server = await startServer(
      replies.completion(null, { toolCalls: [{ name: "extract", args: '{"color": "blue"}' }] }),
      replies.completion(null, { toolCalls: [{ name: "extract", args: '{"color": "red"}' }] }),
    );
    const { model } = createModel([server], { journal: open() });
    const parsed = model.withStructuredOutput(schema, {
      method: "functionCalling",
      name: "extract",
    });
    const named = { ...newThread(), journal: { task: "extract" } } as object;
    expect(await parsed.invoke("What color?", named)).toEqual({ color: "blue" });
    expect(await parsed.invoke("What color?", named)).toEqual({ color: "blue" });
    expect(server.requests).toHaveLength(1);
  });

  it("deleteThread forgets the answers of its thread and of no other one", async () => {
    const server = await startServer(replies.answer("One"), replies.answer("Two"));
    const journal = open();
    const { model } = createModel([server], { journal });
    const [deleted, kept] = [newThread(), newThread()];
    const ask = async (config: object) =>
      (await model.invoke("Same", { ...config, journal: { task: "t" } })).text;
    expect([await ask(deleted), await ask(kept)]).toEqual(["One", "Two"]);
    await journal.deleteThread(deleted.configurable.thread_id);
    expect([await ask(deleted), await ask(kept)]).toEqual(["Two", "Two"]);
    expect(server.requests).toHaveLength(3);
  });
});

it("a stored answer that is damaged is never given, but asked for anew", async () => {
  const damages = [
    { $set: { "answer.json": { $concat: ["$answer.json", " "] } } },
    { $set: { "answer.hash": "0" } },
    { $set: { answer: "nonsense" } },
    { $set: { answer: null } },
  ];
  for (const change of damages) {
    const server = await startServer(replies.answer("One"), replies.answer("Two"));
    const { events, model } = createModel([server], { journal: database.open() });
    const named = { ...newThread(), journal: { task: "t" } };
    await model.invoke("Same", named);
    await database.damage(named.configurable.thread_id, [change]);
    expect((await model.invoke("Same", named)).text).toBe("Two");
    expect(events).toContainEqual(
      expect.objectContaining({
        type: "journal-failed",
        error: expect.objectContaining({ message: "A stored answer is damaged." }) as unknown,
      }),
    );
    expect((await model.invoke("Same", named)).text).toBe("Two");
    expect(server.requests).toHaveLength(2);
  }
});
