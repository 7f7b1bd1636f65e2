import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { Annotation, MemorySaver, MessagesAnnotation, StateGraph } from "@langchain/langgraph";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import {
  type AgentMiddleware,
  ClearToolUsesEdit,
  contextEditingMiddleware,
  createAgent,
  summarizationMiddleware,
} from "langchain";
import { expect, it } from "vitest";
import { z } from "zod";
import * as replies from "../testing/replies.ts";
import { createModel, startServer } from "../testing/test-model.ts";

const add = tool(({ a, b }) => String(a + b), {
  name: "add",
  description: "Adds two numbers",
  schema: z.object({ a: z.number(), b: z.number() }),
});

/** First a broken stream, then a tool call, then the answer; streamed or not, as asked. */
function agentReplies() {
  const call: Parameters<typeof startServer>[0] = (response, request) =>
    request.streaming
      ? replies.stream(
          { toolCall: { id: "call_1", name: "add", args: '{"a": 40, "b": 2}' } },
          { finish: "tool_calls" },
          { usage: replies.usage },
          { done: true },
        )(response, request)
      : replies.completion(null, { toolCalls: [{ name: "add", args: '{"a": 40, "b": 2}' }] })(
          response,
          request,
        );
  const broken: typeof call = (response, request) =>
    request.streaming
      ? replies.stream({ text: "Let me see, " }, { reset: true })(response, request)
      : replies.error(503)(response, request);
  return [broken, call, broken, replies.answer("The sum is 42.")] as const;
}

const question = { messages: [{ role: "user", content: "40 + 2?" }] };

it("createAgent: tools, retries in between, costs of the thread", async () => {
  const server = await startServer(...agentReplies());
  const { model } = createModel([server]);
  const agent = createAgent({ model, tools: [add], checkpointer: new MemorySaver() });
  const result = await agent.invoke(question, { configurable: { thread_id: "t1" } });
  expect(result.messages.map((message) => message.type)).toEqual(["human", "ai", "tool", "ai"]);
  expect(result.messages.at(-1)?.text).toBe("The sum is 42.");
  expect(server.requests).toHaveLength(4);
  expect(model.costs.snapshot().byThread["t1"]).toMatchObject({ calls: 2, attempts: 4 });
});

it("createReactAgent: the same", async () => {
  const server = await startServer(...agentReplies());
  const { model } = createModel([server]);
  // oxlint-disable-next-line typescript/no-deprecated -- what is deployed still uses it
  const agent = createReactAgent({ llm: model, tools: [add] });
  const result = await agent.invoke(question);
  expect(result.messages.at(-1)?.text).toBe("The sum is 42.");
});

it('streamMode "messages": tokens arrive once, and the state holds the restarted answer only', async () => {
  const server = await startServer(
    replies.stream({ text: "Void " }, { text: "words" }, { reset: true }),
    replies.streamText("The real answer"),
  );
  const { model } = createModel([server], { streamRecovery: "restart" });
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("model", async (state) => ({ messages: [await model.invoke(state.messages)] }))
    .addEdge("__start__", "model")
    .compile({ checkpointer: new MemorySaver() });
  const config = { configurable: { thread_id: "t2" } };
  const tokens: string[] = [];
  for await (const [message] of await graph.stream(question, {
    ...config,
    streamMode: "messages",
  })) {
    if (message.text !== "") tokens.push(message.text);
  }
  expect(tokens).toEqual(["Void ", "words", "The ", "real ", "answer"]);
  // Read back from the checkpoint, so the message has been serialized and revived.
  const { messages } = (await graph.getState(config)).values as { messages: AIMessage[] };
  expect(messages.at(-1)?.text).toBe("The real answer");
  expect(AIMessage.isInstance(messages.at(-1)) || messages.at(-1)?.type === "ai").toBe(true);
});

it("a graph of two nodes with the model as a node of its own", async () => {
  const server = await startServer(replies.answer("hello"));
  const { model } = createModel([server]);
  const State = Annotation.Root({ question: Annotation<string>, answer: Annotation<string> });
  const graph = new StateGraph(State)
    .addNode("ask", async (state) => ({ answer: (await model.invoke(state.question)).text }))
    .addEdge("__start__", "ask")
    .compile();
  expect(await graph.invoke({ question: "hi" })).toEqual({ question: "hi", answer: "hello" });
});

it("structured output of an agent", async () => {
  const server = await startServer(
    replies.completion(null, { toolCalls: [{ name: "extract-1", args: '{"sum": 42}' }] }),
  );
  server.playScript((request) => {
    const [first] = request.body.tools as [{ function: { name: string } }];
    return replies.completion(null, {
      toolCalls: [{ name: first.function.name, args: '{"sum": 42}' }],
    });
  });
  const { model } = createModel([server]);
  const agent = createAgent({ model, tools: [], responseFormat: z.object({ sum: z.number() }) });
  const result = await agent.invoke(question);
  expect(result.structuredResponse).toEqual({ sum: 42 });
});

it("summarization with limits as fractions of the chain's smallest window", async () => {
  const server = await startServer(replies.answer("A summary."), replies.answer("The answer."));
  const { model } = createModel([], {
    models: [
      { model: "a", baseURL: server.baseURL, contextWindowTokens: 2000 },
      { model: "b", baseURL: server.baseURL, contextWindowTokens: 9000 },
    ],
  });
  expect(model.profile.maxInputTokens).toBe(2000);
  const agent = createAgent({
    model,
    tools: [],
    middleware: [
      // Their types do not stand up to exactOptionalPropertyTypes.
      summarizationMiddleware({
        model,
        trigger: { fraction: 0.5 },
        keep: { messages: 2 },
      } as never) as AgentMiddleware,
    ],
  });
  const messages = Array.from({ length: 20 }, (_, index) =>
    index % 2
      ? new AIMessage(`Reply ${index} ${"word ".repeat(120)}`)
      : new HumanMessage(`Question ${index} ${"word ".repeat(120)}`),
  );
  const result = await agent.invoke({ messages: [...messages, new HumanMessage("And now?")] });
  expect(result.messages.at(-1)?.text).toBe("The answer.");
  expect(result.messages.length).toBeLessThan(8);
});

it("context editing middleware clears old tool results before the call", async () => {
  const server = await startServer(replies.answer("The answer."));
  const { model } = createModel([server]);
  const edits = [new ClearToolUsesEdit({ trigger: { tokens: 10 }, keep: { messages: 1 } })];
  const agent = createAgent({
    model,
    tools: [add],
    middleware: [contextEditingMiddleware({ edits })],
  });
  const results = ["an old result", "the newest result"];
  const messages = results.flatMap((content, index) => [
    new HumanMessage(`Question ${index}`),
    new AIMessage({
      content: "",
      tool_calls: [{ id: content, name: "add", args: { a: 40, b: 2 } }],
    }),
    new ToolMessage({ tool_call_id: content, content }),
  ]);
  const result = await agent.invoke({ messages });
  expect(result.messages.at(-1)?.text).toBe("The answer.");
  const sent = server.requests[0]?.body.messages.filter(({ role }) => role === "tool") ?? [];
  expect(sent.map(({ content }) => content)).toEqual(["[cleared]", "the newest result"]);
});

it("a long thread is trimmed to the prompt's limit when it is resumed, and stays whole in the state", async () => {
  const server = await startServer(replies.answer("The answer."));
  const { model, events } = createModel([server], { context: { maxPromptTokens: 400 } });
  const agent = createAgent({
    model,
    tools: [add],
    systemPrompt: "Be brief.",
    checkpointer: new MemorySaver(),
  });
  const config = { configurable: { thread_id: "long" } };
  const turn = (index: number) => ({
    messages: [new HumanMessage(`Question ${index} ${"word ".repeat(60)}`)],
  });
  for (let index = 0; index < 12; index += 1) await agent.invoke(turn(index), config);
  const result = await agent.invoke({ messages: [new HumanMessage("And now?")] }, config);
  expect(result.messages).toHaveLength(26);
  const sent = server.requests.at(-1)?.body.messages ?? [];
  expect(JSON.stringify(sent[0]?.content)).toContain("Be brief.");
  expect(sent[1]?.content).toMatch(/earlier messages were left out/);
  expect(sent.at(-1)?.content).toBe("And now?");
  expect(sent.length).toBeLessThan(15);
  expect(events.some((event) => event.type === "context-trimmed")).toBe(true);
});
