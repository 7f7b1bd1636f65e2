import { expect, it } from "vitest";
import type { FaultServer } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";

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

it("abort in mid-stream rejects within 50 ms, ends the request upstream and books what came", async () => {
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

it("a signal that is aborted already sends nothing", async () => {
  const server = await startServer(replies.answer("never"));
  const { model } = createModel([server]);
  const error = await rejection(
    model.invoke("hi", { signal: AbortSignal.abort(new Error("gone")) }),
  );
  expect(String(error)).toContain("gone");
  expect(server.requests).toHaveLength(0);
});

it("a consumer that breaks off ends the request upstream, and the part that came is paid for", async () => {
  const server = await startServer(replies.stream({ text: "some words " }, { hang: true }));
  const { model, events } = createModel([server]);
  for await (const chunk of await model.stream("hi")) if (chunk.text !== "") break;
  await expect.poll(() => server.requests[0]?.aborted).toBe(true);
  await expect.poll(() => model.costs.snapshot().attempts).toBe(1);
  expect(model.costs.snapshot().outputTokens).toBeGreaterThan(0);
  expect(events.at(-1)?.type).toBe("attempt-aborted");
});

it("abort while queued for the rate limit rejects within 50 ms, and the slot is free for others", async () => {
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
