import { getRetryable } from "@langchain/core/errors";
import type { BaseMessage } from "@langchain/core/messages";
import { RunnableLambda, type Runnable } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { END, MessagesAnnotation, type RetryPolicy, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import {
  type AgentMiddleware,
  createAgent,
  modelFallbackMiddleware,
  modelRetryMiddleware,
} from "langchain";
import { expect, it } from "vitest";
import { z } from "zod";
import {
  AllCandidatesFailedError,
  AnswerParseError,
  BudgetExceededError,
  stopAtFinalErrors,
  StreamInterruptedError,
  ThreadkeepError,
} from "@threadkeep/resilient-llm";
import type { ResilientChatModel } from "@threadkeep/resilient-llm";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";

const schema = z.object({ sum: z.number() });
const question = { messages: [{ role: "user", content: "hi" }] };

/** Attempts that LangChain would make around each call of the model. */
const stopAfterAttempt = 4;
/** Three of the model's own: one and two retries. */
const ownRequests = 3;

async function startFailing() {
  const server = await startServer(replies.error(503));
  return { server, ...createModel([server], { retry: { maxRetries: ownRequests - 1 } }) };
}

const retried: Record<string, (model: ResilientChatModel) => Runnable> = {
  withRetry: (model) => model.withRetry({ stopAfterAttempt }),
  "bindTools, then withRetry": (model) => model.bindTools([]).withRetry({ stopAfterAttempt }),
  "withConfig, then withRetry": (model) =>
    model.withConfig({ tags: ["a"] }).withRetry({ stopAfterAttempt }),
  "withBudget, then withRetry": (model) =>
    model.withBudget({ maxTokens: 100_000 }).withRetry({ stopAfterAttempt }),
  "withStructuredOutput, then withRetry": (model) =>
    model.withStructuredOutput(schema).withRetry({ stopAfterAttempt }),
  "a chain with stopAtFinalErrors": (model) =>
    model
      .pipe(new RunnableLambda({ func: String }))
      .withRetry({ stopAfterAttempt, onFailedAttempt: stopAtFinalErrors() }),
};

it.each(Object.entries(retried))("%s does not multiply requests", async (_, wrap) => {
  const { server, model } = await startFailing();
  expect(String(await rejection(wrap(model).invoke("hi")))).toContain("scripted 503");
  expect(server.requests).toHaveLength(ownRequests);
});

it("batch under withRetry does not multiply requests", async () => {
  const { server, model } = await startFailing();
  await rejection(model.withRetry({ stopAfterAttempt }).batch(["hi"]));
  expect(server.requests).toHaveLength(ownRequests);
});

it("errors that are not final go to the caller's own handler: an answer in the wrong form, an error of a tool", () => {
  const seen: unknown[] = [];
  const handler = stopAtFinalErrors((error: unknown) => seen.push(error));
  const errors = [new AnswerParseError("not JSON", "no JSON"), new Error("of a tool")];
  for (const error of errors) handler(error, "hi");
  expect(seen).toEqual(errors);
  expect(errors.map(getRetryable)).toEqual([undefined, undefined]);
  const final = new BudgetExceededError("nothing left");
  expect(() => void handler(final, "hi")).toThrow(final);
  expect(getRetryable(final)).toBe(false);
});

it("modelRetryMiddleware does not multiply requests", async () => {
  const { server, model } = await startFailing();
  // Its type does not stand up to exactOptionalPropertyTypes.
  const retry = modelRetryMiddleware({ maxRetries: 3, initialDelayMs: 1, onFailure: "error" });
  const agent = createAgent({ model, tools: [], middleware: [retry as AgentMiddleware] });
  expect(String(await rejection(agent.invoke(question)))).toContain("scripted 503");
  expect(server.requests).toHaveLength(ownRequests);
});

it("createAgent with model.withRetry() does not multiply requests", async () => {
  const { server, model } = await startFailing();
  const agent = createAgent({ model: model.withRetry({ stopAfterAttempt }), tools: [] });
  expect(String(await rejection(agent.invoke(question)))).toContain("scripted 503");
  expect(server.requests).toHaveLength(ownRequests);
});

it("withFallbacks and modelFallbackMiddleware ask the next model after this one has given up", async () => {
  const { server, model } = await startFailing();
  const other = await startServer(replies.answer("from elsewhere"));
  const fallback = createModel([other]).model;
  expect((await model.withFallbacks([fallback]).invoke("hi")).text).toBe("from elsewhere");
  const middleware = [modelFallbackMiddleware(fallback)];
  const { messages } = await createAgent({ model, tools: [], middleware }).invoke(question);
  expect(messages.at(-1)?.text).toBe("from elsewhere");
  expect(server.requests).toHaveLength(2 * ownRequests);
  expect(other.requests).toHaveLength(2);

  other.play(replies.error(503));
  const error = await rejection(model.withFallbacks([fallback]).invoke("hi"));
  expect(AllCandidatesFailedError.isInstance(error)).toBe(false);
  expect(String(error)).toContain("scripted 503");
});

const sumTool = tool(({ a, b }: { a: number; b: number }) => String(a + b), {
  name: "add",
  description: "Adds",
  schema: z.object({ a: z.number(), b: z.number() }),
});
const end = (reason: string) =>
  [{ finish: reason }, { usage: replies.usage }, { done: true }] as const;
const cutInToolCall = replies.stream({ toolCall: { id: "call_1", name: "add", args: '{"a": 1' } });
const wholeToolCall = replies.stream(
  { toolCall: { id: "call_2", name: "add", args: '{"a": 1, "b": 2}' } },
  ...end("tool_calls"),
);

type StartAgent = (model: ResilientChatModel) => Promise<AsyncIterable<unknown>>;
const streamMode = ["messages", "values"] as const;

const repeating: Record<string, StartAgent> = {
  modelRetryMiddleware: (model) => {
    const retry = modelRetryMiddleware({ maxRetries: 1, initialDelayMs: 1, onFailure: "error" });
    const middleware = [retry as AgentMiddleware];
    const agent = createAgent({ model, tools: [sumTool], middleware });
    return agent.stream(question, { streamMode: [...streamMode] });
  },
  "withRetry in a node": (model) =>
    compileGraph(model.bindTools([sumTool]).withRetry({ stopAfterAttempt })),
  "retryPolicy of a node": (model) =>
    compileGraph(model.bindTools([sumTool]), {
      retryPolicy: { initialInterval: 1, jitter: false, retryOn: isWorthRepeating },
    }),
};

function compileGraph(
  model: Runnable,
  options: { readonly retryPolicy?: RetryPolicy } = {},
): Promise<AsyncIterable<unknown>> {
  const ask = async ({ messages }: typeof MessagesAnnotation.State) => ({
    messages: [(await model.invoke(messages)) as BaseMessage],
  });
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("ask", ask, options)
    .addNode("add", new ToolNode([sumTool]))
    .addEdge(START, "ask")
    .addConditionalEdges("ask", toolsCondition, { tools: "add", [END]: END })
    .addEdge("add", "ask");
  return graph.compile().stream(question, { streamMode: [...streamMode] });
}

it.each(Object.entries(repeating))(
  "%s repeats a streamed step of an agent that was cut inside a tool call",
  async (_, start) => {
    const server = await startServer(cutInToolCall, wholeToolCall, replies.streamText("It is 3."));
    const { model } = createModel([server]);
    const events = (await Array.fromAsync(await start(model))) as [string, unknown][];
    const [, state] = events.findLast(([mode]) => mode === "values") ?? [];
    const { messages } = state as { readonly messages: readonly BaseMessage[] };
    expect(messages.map(({ text }) => text)).toEqual(["hi", "", "3", "It is 3."]);
    expect(server.requests).toHaveLength(3);
  },
);

function isWorthRepeating(error: unknown): boolean {
  return !(ThreadkeepError.isInstance(error) && error.isFinal);
}

it("a stream that was given up for what it had handed out is not final; one of which every attempt broke off is", async () => {
  const read = async (model: ResilientChatModel) =>
    Array.fromAsync(await model.bindTools([sumTool]).stream("hi"));
  const server = await startServer(cutInToolCall);
  const interrupted = await rejection(read(createModel([server]).model));
  expect(StreamInterruptedError.isInstance(interrupted)).toBe(true);
  expect([isWorthRepeating(interrupted), getRetryable(interrupted)]).toEqual([true, undefined]);
  const { server: failing, model } = await startFailing();
  failing.play(replies.stream({ reset: true }));
  const exhausted = await rejection(model.invoke("hi"));
  expect([isWorthRepeating(exhausted), getRetryable(exhausted)]).toEqual([false, false]);
  expect(failing.requests).toHaveLength(ownRequests);
});
