import { tool } from "@langchain/core/tools";
import {
  BudgetExceededError,
  budgetMiddleware,
  type BudgetMiddlewareOptions,
} from "@threadkeep/resilient-llm";
import { createAgent } from "langchain";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";
import { inMemory, useLedgerDatabase } from "./ledgers.ts";

const look = tool(() => "Nothing yet.", {
  name: "look",
  description: "Looks again.",
  schema: z.object({}),
});

/** What each answer uses: 1,000 tokens of input and 5 of output. */
const usage = { prompt_tokens: 1_000, completion_tokens: 5 };

describe.each([inMemory(), useLedgerDatabase()])("$name", ({ openNew }) => {
  /** An agent whose model looks again and again, for 1,005 tokens each time. */
  async function startAgent(
    maxTokens: number,
    options: Omit<BudgetMiddlewareOptions, "ledger"> = {},
  ) {
    const toolCalls = [{ name: "look", args: "{}" }];
    const server = await startServer(replies.completion(null, { toolCalls, usage }));
    const ledger = { store: openNew(), budget: { perThread: { maxTokens } } };
    const { model } = createModel([server], {
      ledger,
      models: [{ model: "m", baseURL: server.baseURL, maxOutputTokens: 5 }],
    });
    const agent = createAgent({
      model,
      tools: [look],
      middleware: [budgetMiddleware({ ledger, ...options })],
    });
    const run = () => agent.invoke({ messages: ["Look."] }, { configurable: { thread_id: "t1" } });
    return { run, server };
  }

  it("a run ends with a message when its budget is used up", async () => {
    const { run, server } = await startAgent(2_010);
    const { messages } = await run();
    const last = messages.at(-1);
    expect(last?.text).toBe("The budget for this work is used up, so I have to stop here.");
    expect(last?.response_metadata).toEqual({
      stopped_by: "budget",
      budget: 'Thread "t1", by the ledger',
    });
    expect(server.requests).toHaveLength(2);
  });

  it("from 80 % on the model is told, in words of your own if you like", async () => {
    const { run, server } = await startAgent(1_250, { lowMessage: "Hurry up." });
    await run();
    const [first, second] = server.requests.map(({ body }) => JSON.stringify(body.messages));
    expect(first).not.toContain("Hurry up.");
    expect(second).toContain("Hurry up.");
  });

  it("a run ends with the message also when too little is left for the next call", async () => {
    const { run, server } = await startAgent(1_009, { spentMessage: "Enough.", whenLow: "go-on" });
    const { messages } = await run();
    expect(messages.at(-1)?.text).toBe("Enough.");
    expect(server.requests).toHaveLength(1);
  });

  it("a run fails with the typed error if that is wanted", async () => {
    const { run } = await startAgent(1_005, { whenSpent: "error" });
    const { cause } = (await rejection(run())) as Error;
    expect(BudgetExceededError.isInstance(cause)).toBe(true);
  });
});

it("a ledger without a budget is refused, and so is an option that is not known", () => {
  const { open } = inMemory();
  expect(() => budgetMiddleware({ ledger: { store: open() } })).toThrow("a ledger with a budget");
  const ledger = { store: open(), budget: { total: { maxTokens: 1 } } };
  expect(() => budgetMiddleware({ ledger, whenspent: "error" } as never)).toThrow(
    /did you mean .*whenSpent/,
  );
});
