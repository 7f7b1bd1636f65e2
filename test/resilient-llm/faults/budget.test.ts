import { RateLimiterMemory } from "rate-limiter-flexible";
import { expect, it } from "vitest";
import { BudgetExceededError } from "@threadkeep/resilient-llm";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";

/** $1 per input token and $10 per output token make sums that are easy to follow. */
const pricing = { inputPerMillionUsd: 1_000_000, outputPerMillionUsd: 10_000_000 };
/** What `replies.usage` costs at that price: 10 in, 5 out. */
const answerUsd = 60;

function sleepReal(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

it("a budget in USD is checked before money is spent", async () => {
  const server = await startServer(replies.answer("done"));
  const models = [{ model: "a", baseURL: server.baseURL, pricing, maxOutputTokens: 5 }];
  const { model } = createModel([], { models, budget: { maxCostUsd: 150 } });
  await model.invoke("hi");
  await model.invoke("hi");
  expect(model.costs.snapshot().costUsd).toBe(2 * answerUsd);
  const error = await rejection(model.invoke("hi"));
  expect(BudgetExceededError.isInstance(error)).toBe(true);
  expect(String(error)).toContain("$30.000000 of $150 are left");
  expect(server.requests).toHaveLength(2);
});

it("simultaneous calls near the budget's limit do not spend more than was reserved", async () => {
  const server = await startServer(replies.answer("done"));
  const models = [{ model: "a", baseURL: server.baseURL, pricing, maxOutputTokens: 5 }];
  const { model } = createModel([], { models, budget: { maxCostUsd: 400 } });
  // Long enough for its estimate to be no less than what the server says it was.
  const prompt = "What is the answer to the ultimate question of life?";
  const calls = await Promise.allSettled(Array.from({ length: 30 }, () => model.invoke(prompt)));
  const answered = calls.filter((call) => call.status === "fulfilled").length;
  expect(answered).toBeGreaterThan(0);
  expect(server.requests).toHaveLength(answered);
  expect(model.costs.snapshot().costUsd).toBeLessThanOrEqual(400);
});

it("a candidate that costs more than is left is passed over for a cheaper one", async () => {
  const dear = await startServer(replies.answer("dear"));
  const cheap = await startServer(replies.answer("cheap"));
  const { model } = createModel([], {
    models: [
      { model: "dear", baseURL: dear.baseURL, pricing, maxOutputTokens: 500 },
      {
        model: "cheap",
        baseURL: cheap.baseURL,
        pricing: { inputPerMillionUsd: 1, outputPerMillionUsd: 1 },
      },
    ],
    budget: { maxCostUsd: 1 },
  });
  expect((await model.invoke("hi")).text).toBe("cheap");
  expect(dear.requests).toHaveLength(0);
});

it("an unknown price is refused under a budget in USD, and never counted as 0", async () => {
  const server = await startServer(replies.answer("done"));
  const models = [{ model: "nobody-knows-this", baseURL: server.baseURL }];
  const refusing = createModel([], { models, budget: { maxCostUsd: 5 } }).model;
  expect(String(await rejection(refusing.invoke("hi")))).toContain(
    "nobody-knows-this is not known",
  );
  const allowing = createModel([], {
    models,
    budget: { maxCostUsd: 5, onUnknownPrice: "allow" },
  }).model;
  const answer = await allowing.invoke("hi");
  expect(answer.response_metadata["resilience"]).toMatchObject({ costUsd: null });
  expect(allowing.costs.snapshot()).toMatchObject({ costUsd: 0, unpricedAttempts: 1 });
});

it("threads and runs have budgets of their own", async () => {
  const server = await startServer(replies.answer("done"));
  const models = [{ model: "a", baseURL: server.baseURL, pricing, maxOutputTokens: 5 }];
  const { model } = createModel([], {
    models,
    budget: { perThread: { maxTokens: 20 }, perRun: { maxTokens: 20 } },
  });
  const call = (configurable: Record<string, string>) => model.invoke("hi", { configurable });
  await call({ thread_id: "one" });
  expect(String(await rejection(call({ thread_id: "one" })))).toContain('Thread "one"');
  await call({ thread_id: "two", run_id: "r" });
  expect(String(await rejection(call({ run_id: "r" })))).toContain('Run "r"');
  expect(Object.keys(model.costs.snapshot().byThread)).toEqual(["one", "two"]);
});

it("the ledger keeps threads and runs apart, retries and failed calls included", async () => {
  const server = await startServer(replies.error(500), replies.answer("done"));
  const models = [{ model: "a", baseURL: server.baseURL, pricing }];
  const { model } = createModel([], { models, retry: { maxRetries: 1 } });
  const call = (configurable: Record<string, string>) => model.invoke("hi", { configurable });
  await call({ thread_id: "t", run_id: "r1" });
  await call({ thread_id: "t", run_id: "r2" });
  await call({ run_id: "r2" });
  await model.invoke("hi", { metadata: { run_id: "r3" } });
  await model.invoke("hi");
  server.play(replies.error(400));
  await rejection(call({ run_id: "r3" }));
  const { byRun, byThread } = model.costs.snapshot();
  expect(byRun).toMatchObject({
    r1: { calls: 1, attempts: 2, costUsd: answerUsd },
    r2: { calls: 2, attempts: 2, costUsd: 2 * answerUsd },
    r3: { calls: 2, attempts: 2, costUsd: answerUsd },
  });
  expect(byThread).toMatchObject({ t: { calls: 2, attempts: 3, costUsd: 2 * answerUsd } });
  model.costs.reset();
  expect(model.costs.snapshot().byRun).toEqual({});
});

it("withBudget shares everything but the budget", async () => {
  const server = await startServer(replies.answer("done"));
  const models = [{ model: "a", baseURL: server.baseURL, pricing, maxOutputTokens: 5 }];
  const { model } = createModel([], { models });
  const run = model.withBudget({ maxCostUsd: 100 });
  await run.invoke("hi");
  expect(BudgetExceededError.isInstance(await rejection(run.invoke("hi")))).toBe(true);
  await model.invoke("hi");
  expect(model.costs.snapshot()).toMatchObject({ calls: 2, costUsd: 2 * answerUsd });
});

it("the ledger keeps calls, attempts and tokens by model, and begins again after reset", async () => {
  const first = await startServer(replies.error(500));
  const second = await startServer(replies.answer("done"));
  const { model } = createModel([first, second], { retry: { maxRetries: 1 } });
  const booked: string[] = [];
  const unsubscribe = model.costs.subscribe((entry) =>
    booked.push(`${entry.candidate} ${entry.outcome}`),
  );
  await model.invoke("hi");
  expect(booked).toEqual(["first failed", "first failed", "second succeeded"]);
  const before = model.costs.snapshot();
  expect(before).toMatchObject({
    calls: 1,
    attempts: 3,
    inputTokens: 10,
    cachedInputTokens: 4,
    outputTokens: 5,
    reasoningTokens: 2,
    byModel: { first: { attempts: 2, costUsd: 0 }, second: { attempts: 1 } },
  });
  expect(before.costUsd).toBeCloseTo(60e-6);
  unsubscribe();
  model.costs.reset();
  expect(model.costs.snapshot()).toMatchObject({ calls: 0, attempts: 0, byModel: {} });
  await model.invoke("hi");
  expect(booked).toHaveLength(3);
});

it("the reservation for a candidate that waits for its rate limit is released for the next candidate", async () => {
  const first = await startServer(replies.answer("from first"));
  const second = await startServer(replies.answer("from second"));
  const { model } = createModel([], {
    models: [
      {
        model: "a",
        baseURL: first.baseURL,
        maxOutputTokens: 100,
        rateLimit: { requestsPerMinute: 1 },
      },
      { model: "b", baseURL: second.baseURL, maxOutputTokens: 100 },
    ],
    // One answer uses 15 tokens; then there is room for one attempt more at a time.
    budget: { maxTokens: 200 },
  });
  expect((await model.invoke("hi")).text).toBe("from first");
  expect((await model.invoke("hi")).text).toBe("from second");
});

it("a probe that a budget or a rate limit forbids does not block the next probe", async () => {
  const first = await startServer(replies.error(500), replies.answer("from first"));
  const second = await startServer(replies.answer("from second"));
  const { model } = createModel([], {
    models: [
      { model: "a", baseURL: first.baseURL, rateLimit: { requestsPerMinute: 1 } },
      { model: "b", baseURL: second.baseURL },
    ],
    createRateLimiter: ({ points, keyPrefix }) =>
      new RateLimiterMemory({ points, keyPrefix, duration: 1 }),
    budget: { perThread: { maxTokens: 1 } },
    retry: { maxRetries: 0 },
    breaker: { minimumAttempts: 1, windowSize: 1, openMs: 1000 },
    fallback: { stickyMs: 0 },
  });
  const ask = async () => (await model.invoke("hi")).text;
  expect(await ask()).toBe("from second");
  await sleepReal(20);
  // Its only slot of this second is taken.
  expect(await ask()).toBe("from second");
  await sleepReal(1100);
  const error = await rejection(model.invoke("hi", { configurable: { thread_id: "poor" } }));
  expect(BudgetExceededError.isInstance(error)).toBe(true);
  expect(await ask()).toBe("from first");
});

it("a budget in tokens counts the tokens used, not those reserved", async () => {
  const server = await startServer(replies.answer("done"));
  const models = [{ model: "a", baseURL: server.baseURL, maxOutputTokens: 100 }];
  const { model } = createModel([], { models, budget: { maxTokens: 200 } });
  // 15 tokens each; before the sixth there are 125 left.
  for (let call = 0; call < 6; call += 1) expect((await model.invoke("hi")).text).toBe("done");
});

it("a broken answer counts towards the budget, so the retry has less left", async () => {
  const half = replies.stream({ text: "some words that cost ".repeat(25) }, { reset: true });
  const server = await startServer(half, replies.streamText("never asked"));
  const models = [{ model: "a", baseURL: server.baseURL, maxOutputTokens: 100 }];
  const { model } = createModel([], { models, budget: { maxTokens: 200 } });
  const error = await rejection((async () => Array.fromAsync(await model.stream("hi")))());
  expect(String(error)).toContain("of 200 tokens are left");
  expect(server.requests).toHaveLength(1);
});

/** What an answer of some hundred tokens reports. */
const smallUsage = { prompt_tokens: 100, completion_tokens: 100, total_tokens: 200 };

it("twenty small calls at once fit into 5 cents, although the first might be long", async () => {
  const server = await startServer(replies.completion("done", { usage: smallUsage }));
  const models = [
    {
      model: "a",
      baseURL: server.baseURL,
      pricing: { inputPerMillionUsd: 1, outputPerMillionUsd: 10 },
    },
  ];
  const { model } = createModel([], { models, budget: { maxCostUsd: 0.05 } });
  const answers = await Promise.all(Array.from({ length: 20 }, () => model.invoke("hi")));
  expect(answers.map(({ text }) => text)).toEqual(Array.from({ length: 20 }, () => "done"));
  expect(model.costs.snapshot().costUsd).toBeCloseTo(20 * 0.0011, 9);
});

it("a budget of 2,000 tokens runs calls of 100 until it is used up", async () => {
  const server = await startServer(replies.completion("done", { usage: smallUsage }));
  const models = [{ model: "a", baseURL: server.baseURL }];
  const { model } = createModel([], { models, budget: { maxTokens: 2000 } });
  let answered = 0;
  let refused: unknown;
  while (refused === undefined) {
    try {
      await model.invoke("hi");
      answered += 1;
    } catch (error) {
      refused = error;
    }
  }
  expect(BudgetExceededError.isInstance(refused)).toBe(true);
  expect(answered).toBeGreaterThanOrEqual(9);
  expect(model.costs.snapshot().inputTokens + model.costs.snapshot().outputTokens).toBeLessThan(
    2001,
  );
});

/** A model whose budget is reserved by a stream that nobody reads on. */
async function startHeldStream(options: Parameters<typeof createModel>[1]) {
  const server = await startServer(replies.answer("one two three"));
  const models = [{ model: "a", baseURL: server.baseURL, maxOutputTokens: 100 }];
  const { model } = createModel([], { models, budget: { maxTokens: 150 }, ...options });
  const stream = await model.stream("hi");
  await stream.next();
  return { model, server, stream };
}

it("a call waits for the budget until its deadline, and is refused then", async () => {
  const { model, server, stream } = await startHeldStream({ retry: { deadlineMs: 60_000 } });
  const error = await rejection(model.invoke("hi"));
  expect(BudgetExceededError.isInstance(error)).toBe(true);
  expect(String(error)).toContain("was not settled in time");
  expect(server.requests).toHaveLength(1);
  await stream.return();
  expect((await model.invoke("hi")).text).toBe("one two three");
});

it("a call that waits for the budget continues when another one ends", async () => {
  const { model, stream } = await startHeldStream({});
  const waiting = model.invoke("hi");
  await sleepReal(20);
  await stream.return();
  expect((await waiting).text).toBe("one two three");
});

it("an abort ends the wait for a budget at once", async () => {
  const { model, server, stream } = await startHeldStream({});
  const controller = new AbortController();
  const waiting = model.invoke("hi", { signal: controller.signal });
  await sleepReal(20);
  controller.abort(new Error("enough"));
  expect(String(await rejection(waiting))).toContain("enough");
  expect(server.requests).toHaveLength(1);
  await stream.return();
});

it("a listener of the costs that throws breaks no call", async () => {
  const server = await startServer(replies.answer("done"));
  const { model } = createModel([server]);
  model.costs.subscribe(() => {
    throw new Error("listener");
  });
  expect((await model.invoke("hi")).text).toBe("done");
});

it("a key whose budget is used up is passed over for another one, and listeners are told", async () => {
  const server = await startServer(replies.answer("done"));
  const model = { model: "a", baseURL: server.baseURL, pricing, maxOutputTokens: 5 };
  const { events, model: resilient } = createModel([], {
    models: [
      { ...model, name: "one", apiKey: "sk-one-0123456789abcdef" },
      { ...model, name: "two", apiKey: "sk-two-0123456789abcdef" },
    ],
    budget: { perKey: { period: "month", maxCostUsd: 1.5 * answerUsd } },
  });
  const ask = async () => {
    const { response_metadata: metadata } = await resilient.invoke("hi");
    return (metadata["resilience"] as { candidate: string }).candidate;
  };
  expect([await ask(), await ask()]).toEqual(["one", "two"]);
  const error = await rejection(resilient.invoke("hi"));
  expect(BudgetExceededError.isInstance(error)).toBe(true);
  expect(String(error)).toContain("This month's budget of the key from the option apiKey of a");
  expect(JSON.stringify(events)).not.toContain("0123456789abcdef");
  expect(events.filter(({ type }) => type === "budget-reached")).toMatchObject([
    { percent: 50, costUsd: answerUsd },
    { percent: 50, costUsd: answerUsd },
  ]);
});
