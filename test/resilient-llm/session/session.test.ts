import { tool } from "@langchain/core/tools";
import { MemorySaver, MessagesAnnotation, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { AIMessage, ToolMessage } from "@langchain/core/messages";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import {
  InMemoryCallJournal,
  InvalidOptionsError,
  ThreadkeepError,
} from "@threadkeep/resilient-llm";
import {
  createSession,
  type SessionOptions,
  type StepContext,
} from "@threadkeep/resilient-llm/session";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { useJournalDatabase } from "../journal/journals.ts";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";
import type { FaultServer } from "../testing/fault-server.ts";

const database = useJournalDatabase();

let sessions = 0;
function newId(): string {
  sessions += 1;
  return `session-${sessions}`;
}

const savers: readonly { name: string; open: () => BaseCheckpointSaver }[] = [
  { name: "MemorySaver", open: () => new MemorySaver() },
  {
    name: "MongoDBSaver",
    open: () => new MongoDBSaver({ client: database.client, dbName: database.dbName }),
  },
];

/** What the requests showed the model. */
function readPrompts(server: FaultServer): string[][] {
  return server.requests.map(({ body }) =>
    body.messages.map(({ content, role }) => `${role}: ${String(content)}`),
  );
}

describe.each(savers)("a session on $name", ({ open }) => {
  /** A session as each of several processes opens it. */
  function useSession(server: FaultServer, options: Partial<SessionOptions> = {}) {
    const sessionId = newId();
    const checkpointer = open();
    const journal = new InMemoryCallJournal();
    return (more: Partial<SessionOptions> = {}) =>
      createSession({
        sessionId,
        model: createModel([server]).model,
        checkpointer,
        journal,
        ...options,
        ...more,
      });
  }

  it("goes on by its id in another process", async () => {
    const server = await startServer(
      replies.answer("Blue."),
      replies.answer("You asked of the sky."),
    );
    const openSession = useSession(server, { systemPrompt: "Be brief." });
    expect(await openSession().tryResume()).toBeUndefined();
    expect((await openSession().ask("What colour is the sky?")).text).toBe("Blue.");
    expect((await openSession().ask("What did I ask?")).text).toBe("You asked of the sky.");
    expect(readPrompts(server)[1]).toEqual([
      "system: Be brief.",
      "user: What colour is the sky?",
      "assistant: Blue.",
      "user: What did I ask?",
    ]);
    const state = await openSession().tryResume();
    expect(state?.messages.map(({ type }) => type)).toEqual(["human", "ai", "human", "ai"]);
  });

  it("keeps a question whose answer failed, and answers it when it is asked again or resumed", async () => {
    const server = await startServer(replies.error(401), replies.answer("Blue."));
    const openSession = useSession(server);
    await expect(openSession().ask("What colour is the sky?")).rejects.toThrow(ThreadkeepError);
    const state = await openSession().tryResume();
    expect(state?.unanswered.map(({ text }) => text)).toEqual(["What colour is the sky?"]);
    expect((await openSession().ask()).text).toBe("Blue.");
    expect((await openSession().tryResume())?.messages).toHaveLength(2);
    const refusal = await rejection(openSession().ask());
    expect(refusal).toBeInstanceOf(InvalidOptionsError);
    expect(String(refusal)).toContain("nothing in the session");
  });

  it("gets the journaled answer if the process died before it was stored", async () => {
    const server = await startServer(replies.answer("Blue."), replies.answer("Another answer"));
    const sessionId = newId();
    const checkpointer = open();
    const journal = new InMemoryCallJournal();
    let puts = 0;
    // The process dies at its second put, that of the answer.
    const dying = new Proxy(checkpointer, {
      get: (target, property): unknown => {
        const value: unknown = Reflect.get(target, property, target);
        if (property !== "put") return typeof value === "function" ? value.bind(target) : value;
        return (...args: Parameters<BaseCheckpointSaver["put"]>) => {
          puts += 1;
          if (puts === 2) throw new Error("died");
          return target.put(...args);
        };
      },
    });
    const model = createModel([server]).model;
    const first = createSession({ sessionId, model, checkpointer: dying, journal });
    await expect(first.ask("What colour is the sky?")).rejects.toThrow("died");
    const second = createSession({ sessionId, model, checkpointer, journal });
    const answer = await second.ask("What colour is the sky?");
    expect(answer.text).toBe("Blue.");
    expect(answer.response_metadata["resilience"]).toMatchObject({ replayed: true });
    expect(server.requests).toHaveLength(1);
    // Asked once more after that it is another question.
    expect((await second.ask("What colour is the sky?")).text).toBe("Another answer");
  });

  it("streams an answer and stores it whole", async () => {
    const server = await startServer(replies.answer("Because of Rayleigh scattering."));
    const openSession = useSession(server);
    let text = "";
    for await (const chunk of openSession().stream("Why is the sky blue?")) text += chunk.text;
    expect(text).toBe("Because of Rayleigh scattering.");
    const [, answer] = (await openSession().tryResume())?.messages ?? [];
    expect(answer).toBeInstanceOf(AIMessage);
    expect(answer?.text).toBe(text);
  });

  it("shows the model the end of a long history and says what is left out, while all of it stays stored", async () => {
    const server = await startServer(...["A", "B", "C"].map((text) => replies.answer(text)));
    const openSession = useSession(server, { history: { maxMessages: 3 } });
    for (const question of ["1", "2", "3"]) await openSession().ask(question);
    expect(readPrompts(server)[2]).toEqual([
      "system: [The first 2 messages of this conversation are left out here.]",
      "user: 2",
      "assistant: B",
      "user: 3",
    ]);
    const state = await openSession().tryResume();
    expect(state?.messages).toHaveLength(6);
    expect(state?.leftOut).toMatchObject({ messages: 4 });
    expect(state?.leftOut.tokens).toBeGreaterThan(0);
    expect(state?.leftOut.note).toContain("first 4 messages");
  });

  it("never leaves out what is asked, however long it is, nor a tool's result without its call", async () => {
    const server = await startServer(
      replies.completion(null, { toolCalls: [{ name: "add", args: '{"a":1}' }] }),
      replies.answer("2"),
    );
    const add = tool(() => "2", { name: "add", schema: z.object({ a: z.number() }) });
    const model = createModel([server]).model.bindTools([add]);
    const openSession = useSession(server, { model, history: { maxTokens: 5 } });
    const session = openSession();
    let answer = await session.ask("How much is one and one, as exactly as you possibly can?");
    expect(answer.tool_calls).toHaveLength(1);
    const results = answer.tool_calls!.map(
      ({ id = "" }) => new ToolMessage({ content: "2", tool_call_id: id }),
    );
    answer = await session.ask(results);
    expect(answer.text).toBe("2");
    expect(readPrompts(server)[1]?.map((line) => line.split(":")[0])).toEqual([
      "user",
      "assistant",
      "tool",
    ]);
  });

  it("goes back by questions and to a checkpoint, and asks anew from there", async () => {
    const server = await startServer(...["A", "B", "C", "D"].map((text) => replies.answer(text)));
    const session = useSession(server)();
    await session.ask("1");
    const one = await session.tryResume();
    await session.ask("2");
    const back = await session.rollback({ turns: 1 });
    expect(back.messages.map(({ text }) => text)).toEqual(["1", "A"]);
    // It is asked again: the answer of the other branch is not given.
    expect((await session.ask("2")).text).toBe("C");
    await session.rollback({ turns: 2 });
    expect((await session.tryResume())?.messages).toEqual([]);
    const again = await session.rollback({ to: one!.checkpointId });
    expect(again.messages.map(({ text }) => text)).toEqual(["1", "A"]);
    expect((await session.ask("2")).text).toBe("D");
    for (const [target, message] of [
      [{ turns: 9 }, "has 2"],
      [{ to: "1f0b0000-0000-6000-8000-000000000000" }, "has no checkpoint"],
      [{ turns: 0 }, "expected"],
      [{ back: 1 }, "expected"],
    ] as const) {
      const error = await rejection(session.rollback(target as never));
      expect(error).toBeInstanceOf(InvalidOptionsError);
      expect(String(error)).toContain(message);
    }
    expect((await session.tryResume())?.messages).toHaveLength(4);
  });

  it("begins anew with the parts that it is told to restore", async () => {
    const server = await startServer(replies.answer("A"), replies.answer("B"));
    const session = useSession(server)();
    await session.setVariables({ city: "Vienna", seen: new Date(0) });
    await session.ask("1");
    const before = await session.tryResume();
    const state = await session.restore(["variables"]);
    expect(state).toMatchObject({ messages: [], variables: { city: "Vienna" } });
    await session.ask("2");
    expect(readPrompts(server)[1]).toEqual(["user: 2"]);
    const both = await session.restore(["messages"], { from: before!.checkpointId });
    expect(both.messages.map(({ text }) => text)).toEqual(["1", "A"]);
    expect(both.variables).toEqual({});
    const error = await rejection(session.restore(["memories" as never]));
    expect(String(error)).toContain("session.restore");
  });

  it("carries out steps, stores every so many, and goes on after the last stored one without asking again", async () => {
    const server = await startServer(...["A", "B", "C", "D"].map((text) => replies.answer(text)));
    const openSession = useSession(server);
    const made: string[] = [];
    const makeSteps = (crashAt: string | undefined) =>
      ["one", "two", "three", "four"].map((name) => ({
        name,
        run: async (step: StepContext) => {
          const { results, variables } = step;
          const { text } = await step.ask(name);
          made.push(name);
          if (name === crashAt) throw new Error("crashed");
          variables["last"] = name;
          return `${results.length}${text}`;
        },
      }));
    const options = { everyNSteps: 2 };
    await expect(openSession().run(makeSteps("four"), options)).rejects.toThrow("crashed");
    const state = await openSession().tryResume();
    expect(state).toMatchObject({
      runs: { run: { done: 2, steps: 4 } },
      variables: { last: "two" },
    });
    expect(await openSession().run(makeSteps(undefined), options)).toEqual([
      "0A",
      "1B",
      "2C",
      "3D",
    ]);
    expect(made).toEqual(["one", "two", "three", "four", "three", "four"]);
    expect(server.requests).toHaveLength(4);
    // Complete: its results are there.
    expect(await openSession().run(makeSteps("one"))).toEqual(["0A", "1B", "2C", "3D"]);
    expect((await openSession().tryResume())?.messages).toHaveLength(8);
    const changed = await rejection(openSession().run([{ name: "another", run: () => 1 }]));
    expect(changed).toBeInstanceOf(InvalidOptionsError);
    expect(String(changed)).toContain('was "one"');
    expect(await openSession().run([() => 1], { tryResume: false })).toEqual([1]);
    expect(await openSession().run([() => 2], { name: "second" })).toEqual([2]);
    // A step that asked its session would wait for itself.
    const session = openSession();
    const deadlock = await rejection(session.run([() => session.ask("1")], { name: "third" }));
    expect(deadlock).toBeInstanceOf(InvalidOptionsError);
    expect(String(deadlock)).toContain("Use what the step is given");
  });

  it("lets nobody store an answer to a conversation that somebody else has gone on with", async () => {
    let proceed = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      proceed = resolve;
    });
    const server = await startServer(async (response, request) => {
      await held;
      await replies.answer("Late.")(response, request);
    }, replies.answer("Other."));
    const openSession = useSession(server);
    const late = openSession().ask("1");
    await expect.poll(() => server.requests.length).toBe(1);
    await openSession().ask("2");
    proceed();
    const error = await rejection(late);
    expect(error).toMatchObject({ code: "SESSION_CHANGED" });
    expect((await openSession().tryResume())?.messages.map(({ text }) => text)).toEqual([
      "1",
      "2",
      "Other.",
    ]);
  });

  it("is a thread that a graph reads and goes on with", async () => {
    const server = await startServer(replies.answer("A"), replies.answer("B"));
    const checkpointer = open();
    const { model } = createModel([server]);
    const sessionId = newId();
    const session = createSession({ sessionId, model, checkpointer });
    await session.ask("1");
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("model", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
      .addEdge("__start__", "model")
      .compile({ checkpointer });
    const config = { configurable: { thread_id: sessionId } };
    const { messages } = await graph.invoke({ messages: [{ role: "user", content: "2" }] }, config);
    expect(messages.map(({ text }) => text)).toEqual(["1", "A", "2", "B"]);
    expect((await session.tryResume())?.messages).toHaveLength(4);
  });
});

describe("a session", () => {
  it("refuses wrong arguments of its methods before anything is stored", async () => {
    const server = await startServer(replies.answer("A"));
    const { model } = createModel([server]);
    const session = createSession({ sessionId: "s", model, checkpointer: new MemorySaver() });
    const wrong: readonly (() => Promise<unknown>)[] = [
      () => session.ask(""),
      () => session.ask(5 as never),
      () => session.ask(null as never),
      () => session.ask([]),
      () => session.ask("1", null as never),
      () => session.ask("1", { sinal: undefined } as never),
      () => session.run([]),
      () => session.run(undefined as never),
      () => session.run([null as never]),
      () => session.run([() => 1], { everyNSteps: 0 }),
      () => session.run([() => 1], { everyNStep: 2 } as never),
      () => session.rollback(undefined as never),
      () => session.restore("variables" as never),
      () => session.restore([]),
      () => session.restore(["variables"], { form: "x" } as never),
      () => session.setVariables("abc" as never),
      () => session.setVariables(null as never),
      () => session.stream("1", "x" as never).next(),
    ];
    for (const call of wrong) expect(await rejection(call())).toBeInstanceOf(InvalidOptionsError);
    expect(await session.tryResume()).toBeUndefined();
    expect(server.requests).toEqual([]);
  });
});

describe("createSession", () => {
  it("says what is wrong with its options, all at once", async () => {
    const server = await startServer(replies.answer("A"));
    const { model } = createModel([server]);
    const error = await rejection(
      (async () =>
        createSession({
          sessionId: "",
          model,
          store: new MemorySaver(),
          checkpoint: 1,
        } as never))(),
    );
    expect(error).toBeInstanceOf(InvalidOptionsError);
    const { message } = error as Error;
    expect(message).toContain("sessionId: expected");
    expect(message).toContain("store: expected the checkpoint saver in the option checkpointer");
    expect(message).toContain("did you mean checkpointer?");
    for (const wrong of [undefined, null, "text"]) {
      expect(() => createSession(wrong as never)).toThrow(InvalidOptionsError);
    }
  });

  it("refuses a journal for a model that cannot use one", () => {
    const model = { invoke: () => undefined, stream: () => undefined };
    const options = { sessionId: "s", model, checkpointer: new MemorySaver() };
    expect(() => createSession(options as never)).not.toThrow();
    expect(() =>
      createSession({ ...options, journal: new InMemoryCallJournal() } as never),
    ).toThrow("a ResilientChatModel, because there is a journal");
  });
});
