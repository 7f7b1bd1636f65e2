import { MongoClient } from "mongodb";
import { RateLimiterMemory, RateLimiterMongo } from "rate-limiter-flexible";
import { expect, inject, it, onTestFinished } from "vitest";
import type { RateLimitOptions, ResilientChatModel } from "@threadkeep/resilient-llm";
import * as replies from "../testing/replies.ts";
import { acceleration, createModel, rejection, startServer } from "../testing/test-model.ts";

it("a limit that is used up sends calls to the next candidate instead of letting them wait", async () => {
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

it("tokens are counted beforehand, with the longest answer allowed", async () => {
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

it("a given limiter is used, so that processes can share one", async () => {
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

it("processes share requests and tokens per minute through MongoDB", async () => {
  const server = await startServer(replies.answer("done"));
  const collection = {
    dbName: `limits-${crypto.randomUUID()}`,
    tableName: "llm_rate_limits",
    disableIndexesCreation: true,
  };
  /** A process has a client of its own and knows of the others only what the database says. */
  const startProcess = async (rateLimit: RateLimitOptions) => {
    const storeClient = await MongoClient.connect(inject("mongodbUri"));
    onTestFinished(() => storeClient.close());
    const { model } = createModel([], {
      models: [{ model: "a", baseURL: server.baseURL, rateLimit, maxOutputTokens: 300 }],
      retry: { deadlineMs: 30_000 },
      createRateLimiter: (settings) =>
        new RateLimiterMongo({ storeClient, ...collection, ...settings }),
    });
    return model;
  };
  // Once, at deployment: the unique index is what keeps two processes from counting apart.
  const deployer = await MongoClient.connect(inject("mongodbUri"));
  onTestFinished(() => deployer.close());
  const anyLimits = { points: 1, duration: 1 };
  await new RateLimiterMongo({
    storeClient: deployer,
    ...collection,
    ...anyLimits,
  }).createIndexes();
  const callAtOnce = async (models: ResilientChatModel[]) => {
    const outcomes = await Promise.allSettled(models.map((model) => model.invoke("hi")));
    return outcomes.map((outcome) =>
      outcome.status === "fulfilled" ? "answered" : String(outcome.reason),
    );
  };
  const requests = { requestsPerMinute: 5 };
  const [one, other] = await Promise.all([startProcess(requests), startProcess(requests)]);
  // The first call makes the counter; from then on every count is one atomic update.
  await one.invoke("hi");
  const byRequests = await callAtOnce([one, other, one, other, one, other, other]);
  expect(byRequests.filter((outcome) => outcome === "answered")).toHaveLength(4);
  expect(byRequests.filter((outcome) => outcome.includes("rate limits"))).toHaveLength(3);
  expect(server.requests).toHaveLength(5);

  const tokens = { tokensPerMinute: 1000 };
  const [third, fourth] = await Promise.all([startProcess(tokens), startProcess(tokens)]);
  await third.invoke("hi");
  const byTokens = await callAtOnce([fourth, third, fourth]);
  expect(byTokens.filter((outcome) => outcome === "answered")).toHaveLength(2);
});

it("a counter that cannot be reached lets the call through and reports an event", async () => {
  const server = await startServer(replies.answer("done"));
  const storeClient = await MongoClient.connect(inject("mongodbUri"));
  const { model, events } = createModel([], {
    models: [{ model: "a", baseURL: server.baseURL, rateLimit: { requestsPerMinute: 1 } }],
    createRateLimiter: (settings) =>
      new RateLimiterMongo({ storeClient, disableIndexesCreation: true, ...settings }),
  });
  await storeClient.close();
  expect((await model.invoke("hi")).text).toBe("done");
  expect(events[0]).toMatchObject({ type: "rate-limiter-failed", candidate: "a" });
});

it("an answer that reports a limit as used up makes the next call wait for its reset", async () => {
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

it("an attempt that the limit refuses does not count towards it", async () => {
  const first = await startServer(replies.answer("from first"));
  const second = await startServer(replies.answer("from second"));
  const rateLimit = { requestsPerMinute: 2, tokensPerMinute: 1000 };
  const { model } = createModel([], {
    models: [
      { model: "a", baseURL: first.baseURL, maxOutputTokens: 300, rateLimit },
      { model: "b", baseURL: second.baseURL },
    ],
  });
  const ask = async (prompt: string) => (await model.invoke(prompt)).text;
  expect(await ask("hi")).toBe("from first");
  expect(await ask("word ".repeat(900))).toBe("from second");
  // The limiter counts by the machine's clock, so its minute is not over; the pause of 60 s is.
  await new Promise((resolve) => {
    setTimeout(resolve, (60_000 / acceleration) * 1.1);
  });
  expect(await ask("hi")).toBe("from first");
});

it("a retry that waits for the rate limit costs the retry quota once", async () => {
  const server = await startServer(replies.error(500), replies.answer("done"));
  const { model } = createModel([], {
    models: [{ model: "a", baseURL: server.baseURL, rateLimit: { requestsPerMinute: 1 } }],
    createRateLimiter: ({ points, keyPrefix }) =>
      new RateLimiterMemory({ points, keyPrefix, duration: 1 }),
    retry: { quota: { capacity: 5, retryCost: 5 } },
  });
  expect((await model.invoke("hi")).text).toBe("done");
});
