import { RateLimiterMemory } from "rate-limiter-flexible";
import { expect, it } from "vitest";
import * as replies from "../testing/replies.ts";
import { acceleration, createModel, rejection, startServer } from "../testing/test-model.ts";

it("a used-up limit sends calls to the next candidate instead of letting them wait", async () => {
  const first = await startServer(replies.answer("from first"));
  const second = await startServer(replies.answer("from second"));
  const { model } = createModel([], {
    models: [
      { model: "a", baseURL: first.baseURL, rateLimit: { requestsPerMinute: 2 } },
      { model: "b", baseURL: second.baseURL },
    ],
  });
  const answers = await Promise.all(Array.from({ length: 5 }, () => model.invoke("hi")));
  expect(answers.filter((answer) => answer.text === "from first")).toHaveLength(2);
  expect([first.requests.length, second.requests.length]).toEqual([2, 3]);
});

it("tokens are weighed, as estimated with the answer's maximum", async () => {
  const first = await startServer(replies.answer("from first"));
  const second = await startServer(replies.answer("from second"));
  const { model } = createModel([], {
    models: [
      {
        model: "a",
        baseURL: first.baseURL,
        maxOutputTokens: 400,
        rateLimit: { tokensPerMinute: 1000 },
      },
      { model: "b", baseURL: second.baseURL },
    ],
  });
  for (let call = 0; call < 4; call += 1) await model.invoke("hi");
  expect([first.requests.length, second.requests.length]).toEqual([2, 2]);
});

it("a limiter from outside is used, so that processes can share one", async () => {
  const server = await startServer(replies.answer("done"));
  const shared = new RateLimiterMemory({ points: 3, duration: 60 });
  const options = {
    models: [{ model: "a", baseURL: server.baseURL, rateLimit: { requestsPerMinute: 3 } }],
    retry: { deadlineMs: 30_000 },
    createRateLimiter: () => shared,
  };
  const one = createModel([], options).model;
  const other = createModel([], options).model;
  await Promise.all([one.invoke("hi"), other.invoke("hi"), one.invoke("hi")]);
  const error = await rejection(other.invoke("hi"));
  expect(error).toMatchObject({ code: "RATE_LIMITED", attempts: [] });
  expect(server.requests).toHaveLength(3);
});

it("an answer that reports a used-up limit makes the next call wait for its reset", async () => {
  const used = { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20s" };
  const server = await startServer(replies.withHeaders(used, replies.answer("done")));
  const { model } = createModel([server]);
  await model.invoke("hi");
  await Array.fromAsync(await model.stream("hi"));
  const [before, after] = server.requests;
  expect(
    ((after?.receivedAtMs ?? 0) - (before?.receivedAtMs ?? 0)) * acceleration,
  ).toBeGreaterThanOrEqual(20_000);
});
