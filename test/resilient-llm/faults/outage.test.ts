import { inspect } from "node:util";
import { expect, it } from "vitest";
import {
  AllCandidatesFailedError,
  ModelCallError,
  type ResilienceEvent,
} from "@threadkeep/resilient-llm";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer, testKey } from "../testing/test-model.ts";

const noRetry = { maxRetries: 0 };

function breakerStates(events: readonly ResilienceEvent[], candidate: string): string[] {
  return events.flatMap((event) =>
    event.type === "breaker" && event.candidate === candidate ? [event.state] : [],
  );
}

function sleepReal(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

it("skips a candidate whose breaker is open, and lets one probe at a time through when it is due", async () => {
  // Slowly: after an attempt that failed quickly, a probe would be due before the calls are made.
  const first = await startServer(async (response, request) => {
    await sleepReal(25);
    await replies.error(500)(response, request);
  });
  const second = await startServer(replies.answer("from second"));
  const { model, events } = createModel([first, second], {
    retry: noRetry,
    breaker: { minimumAttempts: 2, windowSize: 2, openMs: 20_000 },
    fallback: { stickyMs: 0 },
  });
  for (let call = 0; call < 5; call += 1) await model.invoke("hi");
  expect(first.requests).toHaveLength(2);
  expect(breakerStates(events, "first")).toEqual(["open"]);

  await sleepReal(220);
  first.play(async (response, request) => {
    await sleepReal(80);
    await replies.answer("from first")(response, request);
  });
  const answers = await Promise.all(Array.from({ length: 10 }, () => model.invoke("hi")));
  expect(answers.filter((answer) => answer.text === "from first")).toHaveLength(1);
  expect(first.requests).toHaveLength(3);
  expect(breakerStates(events, "first")).toEqual(["open", "half-open", "closed"]);
  expect((await model.invoke("hi")).text).toBe("from first");
});

it("when all breakers are open, the candidate whose breaker opened first is tried", async () => {
  const first = await startServer(replies.error(500));
  const second = await startServer(replies.error(500));
  const { model } = createModel([first, second], {
    retry: noRetry,
    breaker: { minimumAttempts: 1, windowSize: 1, openMs: 1_000_000 },
    fallback: { stickyMs: 0 },
  });
  await rejection(model.invoke("hi"));
  second.play(replies.answer("from second"));
  first.play(replies.answer("from first"));
  expect((await model.invoke("hi")).text).toBe("from first");
});

it("a candidate is asked twice as often while the breakers of all others are open", async () => {
  // Slowly, so that no probe falls due meanwhile.
  const first = await startServer(async (response, request) => {
    await sleepReal(60);
    await replies.error(500)(response, request);
  });
  const second = await startServer(replies.answer("from second"));
  const { model } = createModel([first, second], {
    breaker: { minimumAttempts: 4, openMs: 1e9 },
    fallback: { stickyMs: 1e9 },
  });
  for (let call = 0; call < 6; call += 1) await model.invoke("hi");
  expect(first.requests).toHaveLength(4);
  const error = replies.error(500);
  second.play(error, error, error, error, replies.answer("after four errors"));
  expect((await model.invoke("hi")).text).toBe("after four errors");
  expect(second.requests).toHaveLength(11);
});

it("after a fallback the healthy candidate answers until fallback.stickyMs is over", async () => {
  const first = await startServer(replies.error(503), replies.answer("from first"));
  const second = await startServer(replies.answer("from second"));
  const { model } = createModel([first, second], {
    retry: noRetry,
    fallback: { stickyMs: 20_000 },
  });
  const texts = async () => (await model.invoke("hi")).text;
  expect([await texts(), await texts(), await texts()]).toEqual(Array(3).fill("from second"));
  expect(first.requests).toHaveLength(1);
  await sleepReal(220);
  expect([await texts(), await texts()]).toEqual(["from first", "from first"]);
});

it("a model that is back answers again long before fallback.stickyMs is over; meanwhile each trial costs one attempt", async () => {
  const first = await startServer(replies.error(503));
  const second = await startServer(replies.answer("from second"));
  const { model } = createModel([first, second], {
    retry: { maxRetries: 2, baseDelayMs: 10 },
    breaker: { windowSize: 100, minimumAttempts: 100 },
    fallback: { stickyMs: 25_000 },
  });
  const text = async () => (await model.invoke("hi")).text;
  expect(await text()).toBe("from second");
  expect(first.requests).toHaveLength(3);
  await sleepReal(270);
  expect(await text()).toBe("from second");
  expect(first.requests).toHaveLength(4);
  await sleepReal(270);
  first.play(replies.answer("from first"));
  expect([await text(), await text()]).toEqual(["from first", "from first"]);
});

it("when all candidates fail, one error lists every attempt, with keys redacted", async () => {
  const first = await startServer(replies.error(500, {}, { message: `leaked ${testKey} here` }));
  const second = await startServer(replies.html(502, "Bad gateway"));
  const { model } = createModel([first, second], { retry: { maxRetries: 1 } });
  const error = (await rejection(model.invoke("hi"))) as AllCandidatesFailedError;
  expect(AllCandidatesFailedError.isInstance(error)).toBe(true);
  expect(ModelCallError.isInstance(error)).toBe(true);
  expect(
    error.attempts.map((attempt) => [attempt.candidate, attempt.status, attempt.kind]),
  ).toEqual([
    ["first", 500, "server-error"],
    ["first", 500, "server-error"],
    ["second", 502, "server-error"],
    ["second", 502, "server-error"],
  ]);
  expect(error.attempts.map((attempt) => attempt.next?.replace(/\d+ ms/, "N ms"))).toEqual([
    "retry in N ms",
    "fall back to second",
    "retry in N ms",
    "give up: no candidate is left",
  ]);
  for (const attempt of error.attempts) expect(attempt.durationMs).toBeGreaterThan(0);
  const everything = [
    error.message,
    error.stack,
    JSON.stringify(error),
    String(error.cause),
  ].join();
  expect(everything).not.toContain(testKey);
});

it("the retry quota bounds the requests of 50 simultaneous calls in a full outage", async () => {
  const server = await startServer(replies.error(503));
  const { model } = createModel([server], {
    retry: { maxRetries: 3, quota: { capacity: 100, retryCost: 5 } },
  });
  const calls = await Promise.allSettled(Array.from({ length: 50 }, () => model.invoke("hi")));
  expect(calls.every((call) => call.status === "rejected")).toBe(true);
  // One request per call, and the 20 retries that 100 tokens buy.
  expect(server.requests.length).toBe(70);
});

it("a retry that succeeds gives its quota back, so a server that fails once at every call is no outage", async () => {
  const server = await startServer();
  server.playScript(({ index }) => (index % 2 ? replies.answer("done") : replies.error(503)));
  const { model } = createModel([server], {
    retry: { quota: { capacity: 5, retryCost: 5 } },
  });
  for (let call = 0; call < 3; call += 1) expect((await model.invoke("hi")).text).toBe("done");
  expect(server.requests).toHaveLength(6);
});

it.each([
  ["cut off where the message is shortened", "company-key-0123456789"],
  ["broken by a line end", "company-key\n0123456789"],
])("no part of a key is told, not even one %s", async (_, apiKey) => {
  const message = `${"x".repeat(285)} ${apiKey} isn't known`;
  const server = await startServer(replies.error(500, {}, { message }));
  const { model } = createModel([server], { apiKey, retry: { maxRetries: 0 } });
  const error = await rejection(model.invoke("hi"));
  expect(inspect(error, { depth: 10 })).not.toMatch(/company|0123456789/);
});

it("the causes of an error are redacted like its message", async () => {
  const models = [{ model: "a", baseURL: `http://${testKey}.invalid/v1` }];
  const { model } = createModel([], { models, retry: { maxRetries: 0 } });
  const { cause } = (await rejection(model.invoke("hi"))) as Error;
  expect(inspect(cause, { depth: 10 })).toContain("[redacted].invalid");
  expect(inspect(cause, { depth: 10 })).not.toContain(testKey);
});
