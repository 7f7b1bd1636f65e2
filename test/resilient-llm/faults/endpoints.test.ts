import { ChatOpenAI } from "@langchain/openai";
import { describe, expect, it } from "vitest";
import {
  AuthenticationError,
  BudgetExceededError,
  type EndpointOptions,
  type ResilienceEvent,
  type ResilientChatModel,
  type ResilientChatModelOptions,
} from "@threadkeep/resilient-llm";
import { systemClock } from "../../../packages/resilient-llm/src/time/clock.ts";
import type { FaultServer, Reply } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { inPieces, manners, streamPieces } from "../testing/continuing-server.ts";
import { acceleration, createModel, rejection, startServer } from "../testing/test-model.ts";
import { createSeededRandom } from "../../../packages/resilient-llm/src/simulation/seeded-random.ts";

const pricing = { inputPerMillionUsd: 1, outputPerMillionUsd: 10 };

/** A key of its own for each endpoint. */
const keyOf = (name: string) => `sk-${name}-0123456789abcdef`;

/**
 * How far a count of `calls` draws is from its mean, except once in a thousand million runs: Bernstein's
 * inequality.
 */
function boundDeviation(calls: number, share: number): number {
  const log = Math.log(2e9);
  return log / 3 + Math.sqrt(log ** 2 / 9 + 2 * log * calls * share * (1 - share));
}

type Servers = Readonly<Record<string, FaultServer>>;

/** A model `m` with an endpoint at each server, and perhaps other models after it. */
function createShared(
  servers: Servers,
  {
    each = {},
    others = [],
    ...options
  }: Partial<ResilientChatModelOptions> & {
    readonly each?: Readonly<Record<string, EndpointOptions>>;
    readonly others?: ResilientChatModelOptions["models"];
  } = {},
): { readonly model: ResilientChatModel; readonly events: ResilienceEvent[] } {
  const endpoints = Object.entries(servers).map(([name, { baseURL }]) =>
    Object.assign({ name, baseURL, apiKey: keyOf(name) }, each[name]),
  );
  return createModel([], {
    models: [{ model: "m", provider: "maker", pricing, endpoints }, ...others],
    random: createSeededRandom(1),
    ...options,
  });
}

async function startServers<Name extends string>(
  replyOf: Readonly<Record<Name, Reply>>,
): Promise<Record<Name, FaultServer>> {
  const started = await Promise.all(
    Object.entries<Reply>(replyOf).map(
      async ([name, reply]) => [name, await startServer(reply)] as const,
    ),
  );
  return Object.fromEntries(started) as Record<Name, FaultServer>;
}

/** Makes `calls` calls, some of them at a time. */
async function callOften(model: ResilientChatModel, calls: number): Promise<void> {
  let left = calls;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      await model.invoke("hi");
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

function countRequests(servers: Servers): number[] {
  return Object.values(servers).map(({ requests }) => requests.length);
}

async function ask(model: ResilientChatModel): Promise<string> {
  return (await model.invoke("hi")).text;
}

async function askOften(model: ResilientChatModel, calls: number): Promise<string[]> {
  const texts: string[] = [];
  for (let call = 0; call < calls; call += 1) texts.push(await ask(model));
  return texts;
}

/** Waits on the test's clock. */
function pass(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms / acceleration);
  });
}

const left = (remaining: number, reply: Reply) =>
  replies.withHeaders(
    {
      "x-ratelimit-limit-requests": "100000",
      "x-ratelimit-remaining-requests": String(remaining),
      // Longer than the test takes on its clock.
      "x-ratelimit-reset-requests": "24h",
    },
    reply,
  );

describe("the share of calls over 1,000 of them", () => {
  it.each<[string, Record<string, EndpointOptions>, Record<string, Reply>, Record<string, number>]>(
    [
      [
        "follows the weights",
        { a: { weight: 3 }, b: {} },
        { a: replies.answer("a"), b: replies.answer("b") },
        { a: 3 / 4, b: 1 / 4 },
      ],
      [
        "is the same for all endpoints without weights",
        {},
        { a: replies.answer("a"), b: replies.answer("b"), c: replies.answer("c") },
        { a: 1 / 3, b: 1 / 3, c: 1 / 3 },
      ],
      [
        "of a canary is what it says, and the others share the rest by weight",
        { canary: { canary: 0.05 }, a: { weight: 3 }, b: {} },
        { a: replies.answer("a"), b: replies.answer("b"), canary: replies.answer("c") },
        { a: 0.95 * 0.75, b: 0.95 * 0.25, canary: 0.05 },
      ],
      [
        "follows what responses say is left of the limits",
        {},
        { a: left(10_000, replies.answer("a")), b: left(90_000, replies.answer("b")) },
        { a: 0.1, b: 0.9 },
      ],
    ],
  )("%s", async (_, each, replyOf, shares) => {
    const servers = await startServers(replyOf);
    const { model } = createShared(servers, { each });
    // Until each endpoint has answered, nothing is known of its limits.
    await callOften(model, 20);
    const before = countRequests(servers);
    await callOften(model, 1000);
    for (const [index, name] of Object.keys(servers).entries()) {
      const count = (servers[name]?.requests.length ?? 0) - (before[index] ?? 0);
      const share = shares[name] ?? 0;
      expect(Math.abs(count - 1000 * share)).toBeLessThanOrEqual(boundDeviation(1000, share));
    }
  });
});

it("a 429 with retry-after takes only its endpoint out, at once, and the endpoint comes back after it", async () => {
  const servers = await startServers({ a: replies.answer("a"), b: replies.answer("b") });
  const { events, model } = createShared(servers, {
    each: { a: { weight: 1e9 } },
    others: [{ model: "never", baseURL: servers.b.baseURL }],
  });
  servers.a.play(replies.error(429, { "retry-after": "20" }), replies.answer("a"));
  expect(await askOften(model, 5)).toEqual(["b", "b", "b", "b", "b"]);
  expect(servers.a.requests).toHaveLength(1);
  expect(servers.b.requests.map(({ model: name }) => name)).toEqual(Array(5).fill("m"));
  // It did not wait for the first one.
  expect(events.filter(({ type }) => type === "retry")).toEqual([]);
  await pass(21_000);
  expect(await ask(model)).toBe("a");
});

it.each<[string, Reply]>([
  ["refuses connections", replies.resetAtOnce],
  ["fails", replies.error(500)],
  ["refuses the key", replies.error(401)],
  ["has no money left", replies.error(429, {}, { code: "insufficient_quota" })],
  ["does not have the model", replies.error(404)],
])("an endpoint that %s leaves its calls to the others, without a wait", async (_, reply) => {
  const servers = await startServers({ a: reply, b: replies.answer("b"), c: replies.answer("c") });
  const other = await startServer(replies.answer("other"));
  const { events, model } = createShared(servers, {
    others: [{ model: "other", baseURL: other.baseURL }],
    // On the machine's own clock the 5 s for which it rests outlast the test.
    clock: systemClock,
  });
  const texts = await askOften(model, 60);
  expect(texts.filter((text) => text !== "b" && text !== "c")).toEqual([]);
  expect(new Set(texts).size).toBe(2);
  expect(servers.a.requests).toHaveLength(1);
  expect(events.some(({ type }) => type === "retry")).toBe(false);
  expect(events.find(({ type }) => type === "fallback")).toMatchObject({ from: "m@a" });
});

it("an endpoint that cannot be reached leaves its calls to the others", async () => {
  const servers = await startServers({ a: replies.answer("a"), b: replies.answer("b") });
  const { model } = createShared(servers);
  await servers.a.close();
  expect(new Set(await askOften(model, 20))).toEqual(new Set(["b"]));
});

it("the next model is asked only when all endpoints are down, and the first one again when one is back", async () => {
  // Who fails after 5 s is avoided for 50 s.
  const fail: Reply = async (response, request) => {
    await pass(5000);
    await replies.error(500)(response, request);
  };
  const servers = await startServers({ a: fail, b: fail });
  const other = await startServer(replies.answer("other"));
  const { model } = createShared(servers, {
    others: [{ model: "other", baseURL: other.baseURL }],
  });
  expect(await ask(model)).toBe("other");
  // Four attempts at the model, as with one endpoint: retry.maxRetries is 3.
  const asked = countRequests(servers);
  expect(asked.reduce((sum, count) => sum + count, 0)).toBe(4);
  expect(Math.min(...asked)).toBeGreaterThan(0);
  expect(await ask(model)).toBe("other");
  expect(countRequests(servers)).toEqual(asked);
  servers.b.play(replies.answer("b"));
  await pass(61_000);
  expect(await askOften(model, 3)).toEqual(["b", "b", "b"]);
});

it("endpoints that fail now and then do not send calls to the next model", async () => {
  const failing: Reply = (response, request) =>
    (request.index % 10 === 3 ? replies.error(500) : replies.answer("m"))(response, request);
  const servers = await startServers({ a: failing, b: failing });
  const other = await startServer(replies.answer("other"));
  const { model } = createShared(servers, {
    others: [{ model: "other", baseURL: other.baseURL }],
    retry: { quota: { capacity: 10_000 } },
    breaker: { threshold: 0.9 },
  });
  await callOften(model, 100);
  expect(other.requests).toHaveLength(0);
});

it("keys that are all refused fail the call, so that it is noticed", async () => {
  const servers = await startServers({ a: replies.error(401), b: replies.error(401) });
  const other = await startServer(replies.answer("other"));
  const { model } = createShared(servers, {
    others: [{ model: "other", baseURL: other.baseURL }],
  });
  const error = await rejection(model.invoke("hi"));
  expect(error).toMatchObject({ failure: { kind: "authentication" } });
  expect(AuthenticationError.isInstance(error)).toBe(true);
  expect(countRequests(servers)).toEqual([1, 1]);
  expect(other.requests).toHaveLength(0);
});

it("a request that the model refuses is not sent to its other endpoints", async () => {
  const servers = await startServers({ a: replies.error(400), b: replies.error(400) });
  await rejection(createShared(servers).model.invoke("hi"));
  expect(servers.a.requests.length + servers.b.requests.length).toBe(1);
});

describe("a canary", () => {
  it("gets no fallback traffic while anything else can be asked", async () => {
    const servers = await startServers({
      a: replies.error(429, { "retry-after": "600" }),
      canary: replies.answer("canary"),
    });
    const other = await startServer(replies.answer("other"));
    const { model } = createShared(servers, {
      each: { canary: { canary: 0.1 } },
      others: [{ model: "other", baseURL: other.baseURL }],
      // On the machine's own clock the block outlasts the test.
      clock: systemClock,
    });
    await callOften(model, 1000);
    const deviation = Math.abs(servers.canary.requests.length - 100);
    expect(deviation).toBeLessThanOrEqual(boundDeviation(1000, 0.1));
    expect(other.requests.length + servers.canary.requests.length).toBe(1000);
    // As many as were under way before the first answer came.
    expect(servers.a.requests.length).toBeLessThan(10);
  });

  it("answers when nothing else is left", async () => {
    const servers = await startServers({
      a: replies.error(404),
      canary: replies.answer("canary"),
    });
    const { model } = createShared(servers, { each: { canary: { canary: 0.001 } } });
    expect(await ask(model)).toBe("canary");
  });

  it("that fails leaves its share to the others", async () => {
    const servers = await startServers({ a: replies.answer("a"), canary: replies.error(500) });
    const { model } = createShared(servers, { each: { canary: { canary: 0.99 } } });
    expect(new Set(await askOften(model, 10))).toEqual(new Set(["a"]));
    expect(servers.canary.requests.length).toBeGreaterThan(0);
  });
});

it("a limit that responses report as nearly used up shifts the balance before it is reached", async () => {
  const servers = await startServers({
    a: left(50_000, replies.answer("a")),
    b: left(50_000, replies.answer("b")),
  });
  const { model } = createShared(servers);
  await callOften(model, 100);
  const [a = 0] = countRequests(servers);
  expect(a).toBeGreaterThan(20);
  servers.a.play(left(5, replies.answer("a")));
  // Once it has said so, it gets hardly any calls.
  while (servers.a.requests.length === a) await model.invoke("hi");
  await callOften(model, 100);
  expect(servers.a.requests.length - a).toBeLessThanOrEqual(1 + boundDeviation(100, 0.0001));
});

it("each endpoint has the candidate's rate limit for itself, or its own", async () => {
  const servers = await startServers({ a: replies.answer("a"), b: replies.answer("b") });
  const other = await startServer(replies.answer("other"));
  const { model } = createModel([], {
    random: createSeededRandom(1),
    models: [
      {
        model: "m",
        rateLimit: { requestsPerMinute: 3 },
        endpoints: [
          { name: "a", baseURL: servers.a.baseURL, apiKey: keyOf("a") },
          {
            name: "b",
            baseURL: servers.b.baseURL,
            apiKey: keyOf("b"),
            rateLimit: { requestsPerMinute: 6 },
          },
        ],
      },
      { model: "other", baseURL: other.baseURL },
    ],
  });
  await callOften(model, 12);
  expect(countRequests(servers)).toEqual([3, 6]);
  expect(other.requests).toHaveLength(3);
});

it("a budget that is used up on one key sends calls to the next endpoint, and each key has its own", async () => {
  const servers = await startServers({ a: replies.answer("a"), b: replies.answer("b") });
  const { events, model } = createShared(servers, {
    each: { a: { weight: 1e9, maxOutputTokens: 5 }, b: { maxOutputTokens: 5 } },
    // An answer takes 15 tokens.
    budget: { perKey: { period: "day", maxTokens: 30 } },
  });
  expect(await askOften(model, 4)).toEqual(["a", "a", "b", "b"]);
  const error = await rejection(model.invoke("hi"));
  expect(BudgetExceededError.isInstance(error)).toBe(true);
  expect(String(error)).toMatch(/budget of the key from the option models\[0\]\.endpoints\[[01]\]/);
  const reached = events.flatMap((event) =>
    event.type === "budget-reached" ? [`${event.budget.split(".").at(-2)} ${event.percent}`] : [],
  );
  expect(reached).toEqual(
    ["endpoints[0]", "endpoints[1]"].flatMap((name) => [`${name} 50`, `${name} 80`, `${name} 100`]),
  );
  expect(JSON.stringify(events)).not.toContain("0123456789abcdef");
});

it("a stream that is cut continues at another endpoint of the same model, and nobody gets text twice", async () => {
  const whole = "The quick brown fox jumps over the lazy dog, and then it rests in the shade.";
  const servers = await startServers({
    a: replies.stream(...inPieces(whole).slice(0, 12)),
    b: (response, request) => {
      const [answer, asked] = request.body.messages.slice(-2);
      const words = String(asked?.content);
      const rest = manners["repeats the last words as asked"](whole, {
        partial: String(answer?.content),
        lastWords: words.slice(words.indexOf("\n") + 1),
      });
      return streamPieces(rest)(response, request);
    },
  });
  const other = await startServer(replies.answer("other"));
  const { events, model } = createShared(servers, {
    each: { a: { weight: 1e9 } },
    others: [{ model: "other", baseURL: other.baseURL }],
  });
  const chunks = await Array.fromAsync(await model.stream("hi"));
  expect(chunks.map(({ text }) => text).join("")).toBe(whole);
  expect([...countRequests(servers), other.requests.length]).toEqual([1, 1, 0]);
  expect(events.map(({ type }) => type)).toContain("stream-continued");
  expect(events.find(({ type }) => type === "fallback")).toMatchObject({ from: "m@a", to: "m@b" });
});

it("a late answer is hedged at another endpoint of the same model, not at a canary or the next model", async () => {
  const servers = await startServers({
    a: replies.hang,
    canary: replies.answer("canary"),
    b: replies.answer("b"),
  });
  const other = await startServer(replies.answer("other"));
  const { model } = createShared(servers, {
    each: { a: { weight: 1e9 }, canary: { canary: 0.001 } },
    others: [{ model: "other", baseURL: other.baseURL }],
    hedge: { afterMs: 1000 },
  });
  expect(await ask(model)).toBe("b");
  expect([servers.canary.requests.length, other.requests.length]).toEqual([0, 0]);
});

it("breakers and latencies are each endpoint's own", async () => {
  const servers = await startServers({ a: replies.error(500), b: replies.answer("b") });
  const { events, model } = createShared(servers, {
    each: { a: { weight: 1e9 } },
    breaker: { minimumAttempts: 2, windowSize: 2, openMs: 1_000_000 },
    fallback: { stickyMs: 0 },
  });
  expect(new Set(await askOften(model, 10))).toEqual(new Set(["b"]));
  expect(servers.a.requests).toHaveLength(2);
  const breakers = events.filter(({ type }) => type === "breaker");
  expect(breakers).toMatchObject([{ candidate: "m@a", state: "open" }]);
});

it("what an endpoint does not say it takes from its candidate, and what it says wins", async () => {
  const servers = await startServers({ a: replies.answer("a"), b: replies.answer("b") });
  const { model } = createModel([], {
    random: createSeededRandom(3),
    models: [
      {
        model: "m",
        pricing,
        maxOutputTokens: 70,
        fields: { temperature: 0.5, configuration: { defaultHeaders: { "x-team": "blue" } } },
        endpoints: [
          { baseURL: servers.a.baseURL, apiKey: keyOf("a") },
          {
            model: "deployment-7",
            baseURL: servers.b.baseURL,
            apiKey: keyOf("b"),
            pricing: "free",
            maxOutputTokens: 30,
            fields: { temperature: 1, configuration: { defaultHeaders: { "X-Team": "red" } } },
          },
        ],
      },
    ],
  });
  await callOften(model, 20);
  const [a, b] = [servers.a.requests[0], servers.b.requests[0]];
  expect(a).toMatchObject({
    model: "m",
    headers: { "x-team": "blue", authorization: `Bearer ${keyOf("a")}` },
    body: { temperature: 0.5, max_tokens: 70 },
  });
  expect(b).toMatchObject({
    model: "deployment-7",
    headers: { "x-team": "red", authorization: `Bearer ${keyOf("b")}` },
    body: { temperature: 1, max_tokens: 30 },
  });
  const { byModel } = model.costs.snapshot();
  const nameOf = (server: FaultServer) => `m@127.0.0.1:${server.port}`;
  expect(byModel[nameOf(servers.a)]?.costUsd).toBeGreaterThan(0);
  expect(byModel[nameOf(servers.b)]?.costUsd).toBe(0);
});

it("an endpoint can be a LangChain model, which shares the model's calls with the others", async () => {
  const servers = await startServers({ a: replies.answer("a"), b: replies.answer("b") });
  const given = new ChatOpenAI({
    model: "deployment-7",
    apiKey: keyOf("b"),
    configuration: { baseURL: servers.b.baseURL },
  });
  const { model } = createModel([], {
    random: createSeededRandom(1),
    models: [
      {
        model: "m",
        endpoints: [{ apiKey: keyOf("a"), baseURL: servers.a.baseURL }, { model: given }],
      },
    ],
  });
  expect(new Set(await askOften(model, 20))).toEqual(new Set(["a", "b"]));
  expect(servers.b.requests[0]).toMatchObject({
    model: "deployment-7",
    headers: { authorization: `Bearer ${keyOf("b")}` },
  });
});

it("after a content filter no other endpoint of the model is asked", async () => {
  const filtered = replies.error(400, {}, { code: "content_filter" });
  const servers = await startServers({ a: filtered, b: filtered });
  const other = await startServer(replies.answer("other"));
  const { model } = createShared(servers, {
    others: [{ model: "other", baseURL: other.baseURL }],
    fallback: { onContentFilter: true },
  });
  expect(await ask(model)).toBe("other");
  expect(servers.a.requests.length + servers.b.requests.length).toBe(1);
});

it("after a prompt that is too long no other endpoint with the same window is asked", async () => {
  const tooLong = replies.error(400, {}, { code: "context_length_exceeded" });
  const servers = await startServers({ a: tooLong, b: tooLong });
  const other = await startServer(replies.answer("other"));
  const { model } = createShared(servers, {
    others: [{ model: "other", baseURL: other.baseURL }],
    context: { trimOnOverflow: false },
  });
  expect(await ask(model)).toBe("other");
  expect(servers.a.requests.length + servers.b.requests.length).toBe(1);
});

it("events, records and metadata name the endpoint, and never the key", async () => {
  const servers = await startServers({ a: replies.error(500), b: replies.answer("b") });
  const { events, model } = createShared(servers, { each: { a: { weight: 1e9 } } });
  const answer = await model.invoke("hi");
  expect(answer.response_metadata["resilience"]).toMatchObject({ candidate: "m@b", endpoint: "b" });
  expect(events).toMatchObject([
    { type: "attempt-started", candidate: "m@a", endpoint: "a", model: "m", provider: "maker" },
    { type: "attempt-failed", candidate: "m@a", endpoint: "a" },
    { type: "fallback", from: "m@a", to: "m@b" },
    { type: "attempt-started", candidate: "m@b", endpoint: "b", baseUrl: servers.b.baseURL },
    { type: "attempt-succeeded", candidate: "m@b", endpoint: "b" },
  ]);
  servers.b.play(replies.error(500));
  const error = await rejection(model.invoke("hi"));
  expect(error).toHaveProperty("attempts[0].endpoint", "b");
  expect(`${String(error)} ${JSON.stringify([events, error])}`).not.toContain("0123456789abcdef");
  expect(model.models).toEqual(["m"]);
});
