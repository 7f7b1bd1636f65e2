import { getRetryable } from "@langchain/core/errors";
import { RunnableLambda, type Runnable } from "@langchain/core/runnables";
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
