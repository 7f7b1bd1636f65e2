/**
 * LangChain's standard tests for chat models, unit and integration, against a scripted server: the
 * package they are in (`@langchain/standard-tests`) is not published. Where a standard test lets a real
 * model answer, this one looks at what the model was sent and what became of its answer.
 */
import { InMemoryCache } from "@langchain/core/caches";
import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import {
  AIMessage,
  AIMessageChunk,
  HumanMessage,
  SystemMessage,
  ToolMessage,
} from "@langchain/core/messages";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { RunnableLambda } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { describe, expect, expectTypeOf, it, vi } from "vitest";
import { z } from "zod";
import { InvalidOptionsError, ResilientChatModel } from "@threadkeep/resilient-llm";
import type { FaultServer, Reply } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { createModel, startServer, testKey } from "../testing/test-model.ts";

const add = tool(({ a, b }) => String(a + b), {
  name: "add",
  description: "Adds two numbers",
  schema: z.object({ a: z.number().describe("first"), b: z.number() }),
});

const toolCall: Reply = (response, request) =>
  request.streaming
    ? replies.stream(
        { toolCall: { id: "call_0", name: "add", args: '{"a": 1' } },
        { toolCall: { args: ', "b": 2}' } },
        { finish: "tool_calls" },
        { usage: replies.usage },
        { done: true },
      )(response, request)
    : replies.completion(null, { toolCalls: [{ name: "add", args: '{"a": 1, "b": 2}' }] })(
        response,
        request,
      );

const expectedCall = {
  type: "tool_call" as const,
  id: "call_0",
  name: "add",
  args: { a: 1, b: 2 },
};

async function start(
  ...script: Reply[]
): Promise<{ server: FaultServer; model: ResilientChatModel }> {
  const server = await startServer(...script);
  return { server, model: createModel([server]).model };
}

async function join(stream: AsyncIterable<AIMessageChunk>): Promise<AIMessageChunk> {
  const chunks = await Array.fromAsync(stream);
  return chunks.reduce((whole, chunk) => whole.concat(chunk));
}

function sentMessages(server: FaultServer): unknown {
  return server.requests[0]?.body.messages;
}

describe("standard unit tests", () => {
  it("is made from options, or a key in the environment", () => {
    vi.stubEnv("OPENAI_API_KEY", "");
    expect(() => new ResilientChatModel({ models: ["a"] })).toThrow(/OPENAI_API_KEY/);
    vi.stubEnv("OPENAI_API_KEY", testKey);
    expect(new ResilientChatModel({ models: ["a"] })).toBeInstanceOf(ResilientChatModel);
    vi.unstubAllEnvs();
  });

  it.each([
    [{ models: [] }, "models"],
    [{ models: ["a"], retry: { maxRetires: 3 } }, "maxRetires"],
    [{ models: ["a"], timeout: { idleMs: -1 } }, "timeout.idleMs"],
    [{ models: ["a"], baseURL: "localhost" }, "baseURL"],
    [{ models: [{ model: "a", pricing: { inputPerMillionUsd: 1 } }] }, "models"],
  ])("refuses wrong options and names them (%#)", (options, named) => {
    expect(() => new ResilientChatModel({ apiKey: "k", ...options } as never)).toThrow(
      InvalidOptionsError,
    );
    expect(() => new ResilientChatModel({ apiKey: "k", ...options } as never)).toThrow(named);
  });

  it("states LangSmith's parameters", () => {
    const model = new ResilientChatModel({ models: ["gpt-4.1", "b"], apiKey: "k" });
    expect(model.getLsParams({ stop: ["x"] })).toEqual({
      ls_model_type: "chat",
      ls_provider: "openai",
      ls_model_name: "gpt-4.1",
      ls_stop: ["x"],
    });
  });

  it("states a profile that holds for the whole chain", () => {
    const model = new ResilientChatModel({
      apiKey: "k",
      models: [
        {
          model: "a",
          profile: { toolCalling: true, structuredOutput: true, maxInputTokens: 9000 },
        },
        { model: "b", profile: { toolCalling: true }, contextWindowTokens: 4000 },
      ],
    });
    expect(model.profile).toEqual({
      toolCalling: true,
      structuredOutput: false,
      maxInputTokens: 4000,
    });
  });

  it("binds tools and structured output without a request", async () => {
    const { model, server } = await start(replies.answer("never"));
    expect(model.bindTools([add])).toBeInstanceOf(ResilientChatModel);
    expect(model.withStructuredOutput(z.object({ a: z.string() }))).toHaveProperty("invoke");
    expect(server.requests).toHaveLength(0);
  });
});

describe("standard integration tests", () => {
  it("invoke: text, from a string, messages, or a prompt", async () => {
    const { model, server } = await start(replies.answer("Hello there"));
    const answer = await model.invoke("Hello");
    expect(answer).toBeInstanceOf(AIMessage);
    expect(answer.content).toBe("Hello there");
    await model.invoke([new SystemMessage("Be brief"), new HumanMessage("Hi")]);
    const prompt = ChatPromptTemplate.fromMessages([["user", "Say {word}"]]);
    await prompt.pipe(model).invoke({ word: "hi" });
    expect(
      server.requests.map((request) => request.body.messages.map((one) => one.content)),
    ).toEqual([["Hello"], ["Be brief", "Hi"], ["Say hi"]]);
  });

  it("stream: chunks that join to the text", async () => {
    const { model } = await start(replies.answer("one two three"));
    const chunks = await Array.fromAsync(await model.stream("Hello"));
    expect(chunks.every((chunk) => AIMessageChunk.isInstance(chunk))).toBe(true);
    expect(chunks.filter((chunk) => chunk.text !== "").map((chunk) => chunk.text)).toEqual([
      "one ",
      "two ",
      "three",
    ]);
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
  });

  it("batch: one answer for each input, in order; on request a failure fails only its own", async () => {
    const { model, server } = await start(replies.answer("x"));
    server.playScript((request) => {
      const question = String(request.body.messages[0]?.content);
      return question === "bad" ? replies.error(400) : replies.answer(`re: ${question}`);
    });
    const answers = await model.batch(["a", "b", "c"]);
    expect(answers.map((answer) => answer.text)).toEqual(["re: a", "re: b", "re: c"]);
    const mixed = await model.batch(["a", "bad"], {}, { returnExceptions: true });
    expect(mixed[1]).toMatchObject({ code: "INVALID_REQUEST" });
  });

  it("streamEvents: starts, chunks and one end", async () => {
    const { model } = await start(replies.answer("one two"));
    // oxlint-disable-next-line typescript/no-deprecated -- what is deployed still uses it
    const events = await Array.fromAsync(model.streamEvents("Hello", { version: "v2" }));
    expect(events[0]?.event).toBe("on_chat_model_start");
    expect(events.filter((event) => event.event === "on_chat_model_stream").length).toBeGreaterThan(
      2,
    );
    expect(events.filter((event) => event.event === "on_chat_model_end")).toHaveLength(1);
    const output = events.at(-1)?.data.output as AIMessageChunk;
    expect(output.text).toBe("one two");
  });

  it("conversation: the history is sent too", async () => {
    const { model, server } = await start(replies.answer("4"));
    await model.invoke([
      new HumanMessage("hello"),
      new AIMessage("hello"),
      new HumanMessage("how are you"),
    ]);
    expect(sentMessages(server)).toEqual([
      { role: "user", content: "hello" },
      { role: "assistant", content: "hello" },
      { role: "user", content: "how are you" },
    ]);
  });

  it("usage metadata, streamed or not", async () => {
    const { model } = await start(replies.answer("x"));
    const expected = {
      input_tokens: 10,
      output_tokens: 5,
      total_tokens: 15,
      input_token_details: { cache_read: 4 },
      output_token_details: { reasoning: 2 },
    };
    expect((await model.invoke("hi")).usage_metadata).toMatchObject(expected);
    expect((await join(await model.stream("hi"))).usage_metadata).toMatchObject(expected);
  });

  it("response metadata: model, finish reason, how the answer came about", async () => {
    const { model } = await start(replies.answer("x"));
    const expected = {
      model_name: "served",
      finish_reason: "stop",
      resilience: { candidate: "first", attempts: 1, usageEstimated: false, cutAtLimit: false },
    };
    expect((await model.invoke("hi")).response_metadata).toMatchObject(expected);
    expect((await join(await model.stream("hi"))).response_metadata).toMatchObject(expected);
  });

  it.each([
    ["string content", "3"],
    ["list content", [{ type: "text", text: "3" }]],
  ])("tool message histories with %s", async (_, content) => {
    const { model, server } = await start(replies.answer("It is 3"));
    await model
      .bindTools([add])
      .invoke([
        new HumanMessage("1+2?"),
        new AIMessage({ content: "", tool_calls: [expectedCall] }),
        new ToolMessage({ content, name: "add", tool_call_id: "call_0" }),
      ]);
    expect(sentMessages(server)).toMatchObject([
      { role: "user" },
      { role: "assistant", tool_calls: [{ id: "call_0", function: { name: "add" } }] },
      { role: "tool", tool_call_id: "call_0", content },
    ]);
  });

  it("few-shot examples with tool calls", async () => {
    const { model, server } = await start(toolCall);
    const answer = await model.bindTools([add]).invoke([
      new HumanMessage("1+1?"),
      new AIMessage({
        content: "",
        tool_calls: [{ id: "x", name: "add", args: { a: 1, b: 1 } }],
      }),
      new ToolMessage({ content: "2", tool_call_id: "x" }),
      new AIMessage("2"),
      new HumanMessage("1+2?"),
    ]);
    expect(answer.tool_calls).toEqual([expectedCall]);
    expect(server.requests[0]?.body.messages).toHaveLength(5);
  });

  it.each([
    ["LangChain tools", [add]],
    [
      "OpenAI's format",
      [
        {
          type: "function",
          function: { name: "add", parameters: { type: "object", properties: {} } },
        },
      ],
    ],
    [
      "runnables",
      [
        RunnableLambda.from((input: { a: number; b: number }) => String(input.a + input.b)).asTool({
          name: "add",
          description: "Adds",
          schema: z.object({ a: z.number(), b: z.number() }),
        }),
      ],
    ],
    [
      "structured tool parameters",
      [{ name: "add", schema: z.object({ a: z.number(), b: z.number() }) }],
    ],
  ])("bindTools with %s: sent in OpenAI's format, calls come back", async (_, tools) => {
    const { model, server } = await start(toolCall);
    const bound = model.bindTools(tools as never);
    expect((await bound.invoke("1+2?")).tool_calls).toEqual([expectedCall]);
    expect(server.requests[0]?.body.tools).toMatchObject([
      { type: "function", function: { name: "add" } },
    ]);
  });

  it("tools with a nested schema", async () => {
    const { model, server } = await start(toolCall);
    const nested = tool(() => "ok", {
      name: "add",
      schema: z.object({ items: z.array(z.object({ kind: z.enum(["x", "y"]) })) }),
    });
    await model.bindTools([nested]).invoke("hi");
    expect(JSON.stringify(server.requests[0]?.body.tools)).toContain('"enum":["x","y"]');
  });

  it("tool calls in a stream: pieces that join to whole arguments", async () => {
    const { model } = await start(toolCall);
    const chunks = await Array.fromAsync(await model.bindTools([add]).stream("1+2?"));
    expect(chunks.filter((chunk) => chunk.tool_call_chunks?.length)).toHaveLength(2);
    const joined = chunks.reduce((whole, chunk) => whole.concat(chunk));
    expect(joined.tool_calls).toEqual([expectedCall]);
  });

  it("parallel tool calls", async () => {
    const { model } = await start(
      replies.completion(null, {
        toolCalls: [
          { name: "add", args: '{"a": 1, "b": 2}' },
          { name: "add", args: '{"a": 3, "b": 4}' },
        ],
      }),
    );
    const { tool_calls: calls } = await model.bindTools([add]).invoke("both");
    expect(calls?.map((call) => call.args)).toEqual([
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ]);
  });

  it.each([
    ["any", "required"],
    ["auto", "auto"],
    ["none", "none"],
    ["add", { type: "function", function: { name: "add" } }],
  ])("tool_choice %s is sent as the provider wants it", async (choice, sent) => {
    const { model, server } = await start(toolCall);
    await model.bindTools([add], { tool_choice: choice }).invoke("hi");
    expect(server.requests[0]?.body["tool_choice"]).toEqual(sent);
  });

  const person = z.object({ name: z.string(), age: z.number() });
  const personJson = '{"name": "Ada", "age": 36}';

  it.each([
    ["functionCalling", "tools"],
    ["jsonMode", "response_format"],
    ["jsonSchema", "response_format"],
  ] as const)(
    "withStructuredOutput by %s, from zod and JSON schema, with and without raw",
    async (method, sent) => {
      const { model, server } = await start(
        method === "functionCalling"
          ? replies.completion(null, { toolCalls: [{ name: "extract", args: personJson }] })
          : replies.answer(personJson),
      );
      const ada = { name: "Ada", age: 36 };
      for (const schema of [person, z.toJSONSchema(person)]) {
        expect(await model.withStructuredOutput(schema, { method }).invoke("who?")).toEqual(ada);
        const withRaw = await model
          .withStructuredOutput(schema, { method, includeRaw: true })
          .invoke("who?");
        expect(withRaw.parsed).toEqual(ada);
        expect(AIMessage.isInstance(withRaw.raw)).toBe(true);
      }
      expect(server.requests.every((request) => sent in request.body)).toBe(true);
    },
  );

  it("withStructuredOutput without a method uses one that every model of the chain supports", async () => {
    const { server } = await start(replies.answer(personJson));
    const knows = new ResilientChatModel({
      apiKey: "k",
      baseURL: server.baseURL,
      models: [{ model: "a", profile: { structuredOutput: true } }],
    });
    expect(await knows.withStructuredOutput(person).invoke("who?")).toEqual({
      name: "Ada",
      age: 36,
    });
    expect(server.requests[0]?.body["response_format"]).toMatchObject({ type: "json_schema" });
  });

  it("the output's type follows from the schema", async () => {
    const { model } = await start(replies.answer(personJson));
    const output = await model.withStructuredOutput(person, { method: "jsonMode" }).invoke("who?");
    expectTypeOf(output).toEqualTypeOf<z.output<typeof person>>();
    expect(output.name).toBe("Ada");
  });

  it("withStructuredOutput streams, and a named function is used", async () => {
    const { model, server } = await start(replies.answer(personJson));
    const structured = model.withStructuredOutput(person, { method: "jsonMode" });
    expect((await Array.fromAsync(await structured.stream("who?"))).at(-1)).toEqual({
      name: "Ada",
      age: 36,
    });
    server.play(replies.completion(null, { toolCalls: [{ name: "person", args: personJson }] }));
    const named = model.withStructuredOutput(person, { name: "person", method: "functionCalling" });
    expect(await named.invoke("who?")).toEqual({ name: "Ada", age: 36 });
  });

  it("withConfig and bindTools add up and do not change the model they are called on", async () => {
    const { model, server } = await start(replies.answer("x"));
    const bound = model
      .withConfig({ stop: ["END"], tags: ["t1"] })
      .bindTools([add])
      .withConfig({ tags: ["t2"] });
    const seen: unknown[] = [];
    await bound.invoke("hi", {
      callbacks: [{ handleChatModelStart: (...args: unknown[]) => void seen.push(args[5]) }],
    });
    expect(seen[0]).toEqual(["t1", "t2"]);
    expect(server.requests[0]?.body).toMatchObject({
      stop: ["END"],
      tools: [{ type: "function" }],
    });
    await model.invoke("hi");
    expect(server.requests[1]?.body).not.toHaveProperty("tools");
  });

  it("callbacks fire once per call, however many attempts it takes", async () => {
    const { model, server } = await start(replies.error(500));
    const counts: Record<string, number> = {};
    const count = (name: string) => {
      counts[name] = (counts[name] ?? 0) + 1;
    };
    class Counter extends BaseCallbackHandler {
      override name = "counter";
      override handleChatModelStart() {
        count("start");
      }
      override handleLLMNewToken(token: string) {
        if (token !== "") count("token");
      }
      override handleLLMEnd() {
        count("end");
      }
      override handleLLMError() {
        count("error");
      }
    }
    server.play(replies.error(500), replies.error(500), replies.answer("one two"));
    await model.invoke("hi", { callbacks: [new Counter()] });
    expect(counts).toEqual({ start: 1, end: 1 });
    server.play(replies.resetAtOnce, replies.answer("one two"));
    await join(await model.stream("hi", { callbacks: [new Counter()] }));
    expect(counts).toEqual({ start: 2, end: 2, token: 2 });
    server.play(replies.error(400));
    await model.invoke("hi", { callbacks: [new Counter()] }).catch(() => undefined);
    expect(counts).toEqual({ start: 3, end: 2, token: 2, error: 1 });
  });

  it("LangChain's cache answers without a request, and keeps different chains apart", async () => {
    const server = await startServer(replies.answer("cached"));
    const cache = new InMemoryCache(new Map());
    const { model } = createModel([server], { cache });
    const question = [new HumanMessage({ content: [{ type: "text", text: "hi" }] })];
    expect((await model.invoke(question)).text).toBe("cached");
    expect((await model.invoke(question)).text).toBe("cached");
    expect(server.requests).toHaveLength(1);
    const other = new ResilientChatModel({
      models: ["other"],
      apiKey: "k",
      baseURL: server.baseURL,
      cache,
    });
    await other.invoke(question);
    expect(server.requests).toHaveLength(2);
  });

  it("content blocks of the v1 output version", async () => {
    const server = await startServer(replies.answer("hello"));
    const { model } = createModel([server], { outputVersion: "v1" });
    expect((await model.invoke("hi")).content).toEqual([{ type: "text", text: "hello" }]);
  });
});
