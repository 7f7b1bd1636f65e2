import { expect, it } from "vitest";
import {
  InvalidOptionsError,
  type ResilienceEvent,
  type ResilientChatModel,
} from "@threadkeep/resilient-llm";
import type { Reply } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";

/** 30 ms of real time. */
const hedge = { afterMs: 3000, maxRatio: 1 };

function sleepReal(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function after(ms: number, reply: Reply): Reply {
  return async (response, request) => {
    await sleepReal(ms);
    if (!response.destroyed) await reply(response, request);
  };
}

const streamNothing = replies.stream({ hang: true });
const waysToAsk: Record<
  string,
  (model: ResilientChatModel, signal?: AbortSignal) => Promise<string>
> = {
  invoke: async (model, signal) => (await model.invoke("hi", signal && { signal })).text,
  stream: async (model, signal) => {
    let text = "";
    for await (const chunk of await model.stream("hi", signal && { signal })) text += chunk.text;
    return text;
  },
};

function typesOf(events: readonly ResilienceEvent[]): string[] {
  return events.map((event) => event.type);
}

it.each(Object.entries(waysToAsk))(
  "%s: when the first candidate is late the next is asked, and the loser's request is ended and booked",
  async (_, ask) => {
    const first = await startServer((response, request) =>
      (request.streaming ? streamNothing : replies.hang)(response, request),
    );
    const second = await startServer(replies.answer("from second"));
    const { model, events } = createModel([first, second], { hedge });
    expect(await ask(model)).toBe("from second");
    await expect.poll(() => first.requests[0]?.aborted).toBe(true);
    expect([first.requests.length, second.requests.length]).toEqual([1, 1]);
    expect(events).toContainEqual(
      expect.objectContaining({ type: "hedge", late: "first", hedge: "second", afterMs: 3000 }),
    );
    const { byModel, calls, attempts } = model.costs.snapshot();
    expect([calls, attempts]).toEqual([1, 2]);
    expect(byModel["first"]).toMatchObject({ estimatedAttempts: 1, outputTokens: 0 });
    expect(byModel["first"]?.costUsd).toBeGreaterThan(0);
    expect(byModel["second"]).toMatchObject({ estimatedAttempts: 0, inputTokens: 10 });
  },
);

it.each(Object.entries(waysToAsk))(
  "%s: when the late one is still quicker, the hedge is ended",
  async (_, ask) => {
    const first = await startServer(after(80, replies.answer("from first")));
    const second = await startServer(after(1000, replies.answer("from second")));
    const { model, events } = createModel([first, second], { hedge });
    expect(await ask(model)).toBe("from first");
    await expect.poll(() => second.requests[0]?.aborted).toBe(true);
    expect(typesOf(events)).toEqual(
      expect.arrayContaining(["hedge", "attempt-aborted", "attempt-succeeded"]),
    );
    expect(model.costs.snapshot()).toMatchObject({ calls: 1, attempts: 2, estimatedAttempts: 1 });
  },
);

it("the answer tells who gave it and what both attempts cost", async () => {
  const first = await startServer(replies.hang);
  const second = await startServer(replies.answer("from second"));
  const { model } = createModel([first, second], { hedge });
  const { response_metadata: metadata } = await model.invoke("hi");
  const { costUsd } = model.costs.snapshot();
  expect(metadata["resilience"]).toMatchObject({ candidate: "second", attempts: 2, costUsd });
});

it("an answer in time is not hedged, and nothing is hedged after the first token", async () => {
  const first = await startServer(replies.answer("quick"));
  const second = await startServer(replies.answer("from second"));
  const { model } = createModel([first, second], { hedge: { ...hedge, afterMs: 50_000 } });
  await waysToAsk["invoke"]?.(model);
  expect(await waysToAsk["stream"]?.(model)).toBe("quick");
  first.play(
    replies.stream(
      { text: "slow " },
      { waitMs: 700 },
      { text: "but steady" },
      { finish: "stop" },
      { done: true },
    ),
  );
  expect(await waysToAsk["stream"]?.(model)).toBe("slow but steady");
  expect(second.requests).toHaveLength(0);
});

it("a restarted answer is not hedged, since part of it had been handed out", async () => {
  const first = await startServer(
    replies.stream({ text: "half " }, { reset: true }),
    streamNothing,
  );
  const second = await startServer(replies.answer("from second"));
  const { model, events } = createModel([first, second], {
    hedge,
    timeout: { firstTokenMs: 20_000 },
    retry: { maxRetries: 1 },
    streamRecovery: "restart",
  });
  expect(await waysToAsk["stream"]?.(model)).toContain("from second");
  expect(typesOf(events)).not.toContain("hedge");
});

it("while a provider is slow, no more calls are hedged than the quota allows", async () => {
  const first = await startServer(after(120, replies.answer("from first")));
  const second = await startServer(replies.answer("from second"));
  const { model } = createModel([first, second], { hedge: { afterMs: 1000, maxRatio: 0.1 } });
  const answers = await Promise.all(Array.from({ length: 30 }, () => model.invoke("hi")));
  // One at the start, and one for every ten calls.
  expect(second.requests).toHaveLength(4);
  expect(answers.filter(({ text }) => text === "from second")).toHaveLength(4);
});

it.each(Object.entries(waysToAsk))(
  "%s: the user's abort ends both requests within 50 ms",
  async (_, ask) => {
    const first = await startServer(replies.hang);
    const second = await startServer(replies.hang);
    const { model, events } = createModel([first, second], { hedge });
    const controller = new AbortController();
    const call = rejection(ask(model, controller.signal));
    await expect.poll(() => second.requests.length).toBe(1);
    const abortedAtMs = performance.now();
    controller.abort(new Error("the user left"));
    expect(String(await call)).toContain("the user left");
    expect(performance.now() - abortedAtMs).toBeLessThan(50);
    await expect
      .poll(() => [first, second].map(({ requests }) => requests[0]?.aborted))
      .toEqual([true, true]);
    expect(typesOf(events).filter((type) => type === "attempt-aborted")).toHaveLength(2);
    expect([first.requests.length, second.requests.length]).toEqual([1, 1]);
  },
);

it("both attempts are reserved, so without room in the budget there is no hedge", async () => {
  const first = await startServer(after(80, replies.answer("from first")));
  const second = await startServer(replies.answer("from second"));
  const models = [first, second].map(({ baseURL }, index) => ({
    model: `model-${index}`,
    baseURL,
    pricing: { inputPerMillionUsd: 0, outputPerMillionUsd: 1_000_000 },
    maxOutputTokens: 10,
  }));
  const tight = createModel([], { models, hedge, budget: { maxCostUsd: 19 } }).model;
  expect((await tight.invoke("hi")).text).toBe("from first");
  expect(second.requests).toHaveLength(0);
  const roomy = createModel([], { models, hedge, budget: { maxCostUsd: 20 } }).model;
  expect((await roomy.invoke("hi")).text).toBe("from second");
});

it("a hedge that a budget forbids does not count towards the quota", async () => {
  const first = await startServer(after(80, replies.answer("from first")));
  const second = await startServer(replies.answer("from second"));
  const { model } = createModel([first, second], {
    hedge: { afterMs: 3000, maxRatio: 0.01 },
    // Room for one attempt with the 4096 tokens an answer may have, not for two.
    budget: { perThread: { maxTokens: 6000 } },
  });
  const inThread = await model.invoke("hi", { configurable: { thread_id: "poor" } });
  expect(inThread.text).toBe("from first");
  expect((await model.invoke("hi")).text).toBe("from second");
});

it("when one of the two attempts fails, the other one's answer counts and the failed candidate is avoided", async () => {
  const first = await startServer(after(80, replies.error(400)), replies.answer("from first"));
  const second = await startServer(after(120, replies.answer("from second")));
  const { model, events } = createModel([first, second], { hedge });
  expect((await model.invoke("hi")).text).toBe("from second");
  expect(events.find((event) => event.type === "fallback")).toMatchObject({ from: "first" });

  first.play(after(80, replies.error(503)), replies.answer("from first"));
  expect((await model.invoke("hi")).text).toBe("from second");
  second.play(replies.answer("from second"));
  expect((await model.invoke("hi")).text).toBe("from second");
  expect(first.requests).toHaveLength(2);
});

it("when both attempts fail, the call continues, and its error lists both in their order", async () => {
  const first = await startServer(after(120, replies.error(500)));
  const second = await startServer(after(60, replies.error(503)));
  const { model } = createModel([first, second], { hedge, retry: { maxRetries: 0 } });
  const error = (await rejection(model.invoke("hi"))) as { attempts: { attempt: number }[] };
  expect(error.attempts).toMatchObject([
    { attempt: 1, candidate: "first", status: 500, next: "give up: no candidate is left" },
    { attempt: 2, candidate: "second", status: 503, next: "fall back to first" },
  ]);
});

it("by quantile, an answer is late if it is slower than the candidate's recent ones, from ten on", async () => {
  const first = await startServer(replies.answer("from first"));
  const second = await startServer(replies.answer("from second"));
  const { model } = createModel([first, second], { hedge: { quantile: 0.99, maxRatio: 1 } });
  const ask = async () => waysToAsk["stream"]?.(model);
  first.play(after(150, replies.answer("from first")), replies.answer("from first"));
  for (let call = 0; call < 10; call += 1) await ask();
  expect(second.requests).toHaveLength(0);
  first.play(after(60, replies.answer("from first")));
  expect(await ask()).toBe("from first");
  first.play(streamNothing);
  const startedAtMs = performance.now();
  expect(await ask()).toBe("from second");
  // The slowest of the answers so far took 150 ms.
  expect(performance.now() - startedAtMs).toBeGreaterThan(145);
});

it.each(Object.entries(waysToAsk))(
  "%s by quantile: a late attempt that was ended counts as slow, so hedges do not come earlier and earlier",
  async (_, ask) => {
    const first = await startServer(replies.answer("from first"));
    const second = await startServer(replies.answer("from second"));
    const { model, events } = createModel([first, second], {
      hedge: { quantile: 0.99, maxRatio: 1 },
    });
    for (let call = 0; call < 10; call += 1) await ask(model);
    first.play((response, request) =>
      (request.streaming ? streamNothing : replies.hang)(response, request),
    );
    for (let call = 0; call < 2; call += 1) expect(await ask(model)).toBe("from second");
    const delays = events.flatMap((event) => (event.type === "hedge" ? [event.afterMs] : []));
    expect(delays).toHaveLength(2);
    expect(delays[1]).toBeGreaterThanOrEqual(2 * (delays[0] ?? 0));
  },
);

it.each(Object.entries(waysToAsk))(
  "%s: a probe that was too late leaves room for the next one",
  async (_, ask) => {
    const first = await startServer(replies.error(500));
    const second = await startServer(replies.answer("from second"));
    const { model } = createModel([first, second], {
      hedge,
      retry: { maxRetries: 0 },
      breaker: { minimumAttempts: 1, windowSize: 1, openMs: 1000 },
      fallback: { stickyMs: 0 },
    });
    await ask(model);
    await sleepReal(20);
    first.play(replies.hang);
    expect(await ask(model)).toBe("from second");
    expect(first.requests).toHaveLength(2);
    first.play(replies.answer("from first"));
    await ask(model);
    // Who answers is a race with the hedge: what counts is that the first model was asked again.
    expect(first.requests).toHaveLength(3);
  },
);

it("afterMs and quantile at once are refused", () => {
  expect(() =>
    createModel([], { models: ["a", "b"], hedge: { afterMs: 1, quantile: 0.5 } }),
  ).toThrow(InvalidOptionsError);
});
