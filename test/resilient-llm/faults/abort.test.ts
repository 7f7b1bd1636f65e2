import { getEventListeners } from "node:events";
import { expect, it } from "vitest";
import type { ResilientChatModel } from "@threadkeep/resilient-llm";
import { createAcceleratedClock } from "../testing/accelerated-clock.ts";
import type { FaultServer } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { acceleration, createModel, rejection, startServer } from "../testing/test-model.ts";
import type { Clock } from "../../../packages/resilient-llm/src/time/clock.ts";

function sleepReal(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Aborts a call `afterMs` after the server has seen `requests` and measures how long it then takes. */
async function abortAfter(
  afterMs: number,
  { requests }: FaultServer,
  expectedRequests: number,
  start: (signal: AbortSignal) => Promise<unknown>,
): Promise<{ readonly error: unknown; readonly tookMs: number }> {
  const controller = new AbortController();
  let abortedAt = 0;
  const abort = async () => {
    while (requests.length < expectedRequests) await sleepReal(2);
    await sleepReal(afterMs);
    abortedAt = performance.now();
    controller.abort(new Error("the user left"));
  };
  let settledAt = 0;
  const call = rejection(start(controller.signal)).finally(() => {
    settledAt = performance.now();
  });
  const [error] = await Promise.all([call, abort()]);
  return { error, tookMs: settledAt - abortedAt };
}

const situations = {
  "while the first answer is awaited": replies.hang,
  "in backoff": replies.error(429, { "retry-after": "20" }),
};

it.each(Object.entries(situations))(
  "abort %s rejects within 50 ms with the signal's reason and sends nothing more",
  async (_, reply) => {
    for (const streaming of [false, true]) {
      const server = await startServer(reply);
      const { model, events } = createModel([server], {
        breaker: { minimumAttempts: 1, windowSize: 1 },
      });
      const { error, tookMs } = await abortAfter(20, server, 1, async (signal) =>
        streaming
          ? Array.fromAsync(await model.stream("hi", { signal }))
          : model.invoke("hi", { signal }),
      );
      expect(String(error)).toContain("the user left");
      expect(tookMs).toBeLessThan(50);
      await sleepReal(260);
      expect(server.requests).toHaveLength(1);
      expect(events.some((event) => event.type === "breaker")).toBe(false);
    }
  },
);

it("an abort in the middle of a stream rejects within 50 ms, ends the request and books the part that arrived", async () => {
  const server = await startServer(replies.stream({ text: "some words " }, { hang: true }));
  const { model, events } = createModel([server], {
    breaker: { minimumAttempts: 1, windowSize: 1 },
  });
  let text = "";
  const { error, tookMs } = await abortAfter(60, server, 1, async (signal) => {
    for await (const chunk of await model.stream("hi", { signal })) text += chunk.text;
  });
  expect(String(error)).toContain("the user left");
  expect(tookMs).toBeLessThan(50);
  expect(text).toBe("some words ");
  await expect.poll(() => server.requests[0]?.aborted).toBe(true);
  expect(server.requests).toHaveLength(1);
  expect(model.costs.snapshot()).toMatchObject({ attempts: 1, estimatedAttempts: 1 });
  expect(model.costs.snapshot().outputTokens).toBeGreaterThan(0);
  expect(events.some((event) => event.type === "breaker")).toBe(false);
  expect(events.at(-1)?.type).toBe("attempt-aborted");
});

it("with a signal that is already aborted nothing is sent", async () => {
  const server = await startServer(replies.answer("never"));
  const { model } = createModel([server]);
  const error = await rejection(
    model.invoke("hi", { signal: AbortSignal.abort(new Error("gone")) }),
  );
  expect(String(error)).toContain("gone");
  expect(server.requests).toHaveLength(0);
});

it("a consumer that stops reading ends the request, and the part that arrived is booked", async () => {
  const server = await startServer(replies.stream({ text: "some words " }, { hang: true }));
  const { model, events } = createModel([server]);
  for await (const chunk of await model.stream("hi")) if (chunk.text !== "") break;
  await expect.poll(() => server.requests[0]?.aborted).toBe(true);
  await expect.poll(() => model.costs.snapshot().attempts).toBe(1);
  expect(model.costs.snapshot().outputTokens).toBeGreaterThan(0);
  expect(events.at(-1)?.type).toBe("attempt-aborted");
});

it("an abort while waiting for the rate limit rejects within 50 ms, and the slot is free for others", async () => {
  const server = await startServer(replies.answer("done"));
  const { model } = createModel([], {
    models: [{ model: "a", baseURL: server.baseURL, rateLimit: { requestsPerMinute: 1 } }],
  });
  await model.invoke("takes the only slot");
  const { error, tookMs } = await abortAfter(30, server, 1, (signal) =>
    model.invoke("queues", { signal }),
  );
  expect(String(error)).toContain("the user left");
  expect(tookMs).toBeLessThan(50);
  expect(server.requests).toHaveLength(1);
});

it("an aborted attempt gives its slot in the rate limit back", async () => {
  const server = await startServer(replies.hang, replies.answer("done"));
  const { model } = createModel([], {
    models: [{ model: "a", baseURL: server.baseURL, rateLimit: { requestsPerMinute: 1 } }],
  });
  await abortAfter(20, server, 1, (signal) => model.invoke("takes the slot", { signal }));
  const startedAt = performance.now();
  expect((await model.invoke("hi")).text).toBe("done");
  expect(performance.now() - startedAt).toBeLessThan(500);
});

/** A fast clock that knows how many of its timers are running. */
function createCountingClock(): { readonly clock: Clock; readonly timers: ReadonlySet<object> } {
  const accelerated = createAcceleratedClock(acceleration);
  const timers = new Set<object>();
  const setTimer: Clock["setTimer"] = (callback, delayMs) => {
    const timer = {};
    timers.add(timer);
    const cancel = accelerated.setTimer(() => {
      timers.delete(timer);
      callback();
    }, delayMs);
    return () => {
      timers.delete(timer);
      cancel();
    };
  };
  return { clock: { now: () => accelerated.now(), setTimer }, timers };
}

const waysToAsk: Record<
  string,
  (model: ResilientChatModel, signal: AbortSignal) => Promise<unknown>
> = {
  invoke: (model, signal) => model.invoke("hi", { signal }),
  stream: async (model, signal) => Array.fromAsync(await model.stream("hi", { signal })),
};

const waysToEnd: typeof waysToAsk = {
  ...waysToAsk,
  "a stream left early": async (model, signal) => {
    for await (const chunk of await model.stream("hi", { signal })) if (chunk.text !== "") break;
  },
};

it.each(Object.entries(waysToEnd))(
  "%s: after pauses, time limits and hedges no timer runs on and nobody listens to the signal",
  async (_, ask) => {
    const first = await startServer();
    const second = await startServer();
    const { clock, timers } = createCountingClock();
    const { signal } = new AbortController();
    const timeout = { connectMs: 30_000, totalMs: 30_000 };
    for (const hedge of [undefined, { afterMs: 2000, maxRatio: 1 }]) {
      for (const servers of [[second], [first, second]]) {
        first.play(replies.error(429, { "retry-after": "2" }), replies.hang);
        second.play(replies.error(503), replies.answer("done"));
        const { model } = createModel(servers, { clock, hedge, timeout, retry: { maxRetries: 1 } });
        await ask(model, signal);
        await expect.poll(() => timers.size).toBe(0);
        await expect.poll(() => getEventListeners(signal, "abort")).toHaveLength(0);
      }
    }
  },
);

it("an aborted pause leaves no timer behind", async () => {
  const server = await startServer(replies.error(429, { "retry-after": "200" }));
  const { clock, timers } = createCountingClock();
  const { model } = createModel([server], { clock });
  await abortAfter(20, server, 1, (signal) => model.invoke("hi", { signal }));
  expect(timers.size).toBe(0);
});

it.each(Object.entries(waysToAsk))(
  "%s: an aborted probe leaves room for the next one",
  async (_, ask) => {
    const first = await startServer(replies.error(500));
    const second = await startServer(replies.answer("from second"));
    const { model } = createModel([first, second], {
      retry: { maxRetries: 0 },
      breaker: { minimumAttempts: 1, windowSize: 1, openMs: 1000 },
      fallback: { stickyMs: 0 },
    });
    await model.invoke("hi");
    await sleepReal(20);
    first.play(replies.hang);
    await abortAfter(10, first, 2, (signal) => ask(model, signal));
    first.play(replies.answer("from first"));
    expect((await model.invoke("hi")).text).toBe("from first");
  },
);
