import { expect, it, onTestFinished, vi } from "vitest";
import {
  AuthenticationError,
  ContentFilterError,
  ContextLengthError,
  InvalidResponseError,
  type ModelCallError,
} from "@threadkeep/resilient-llm";
import { createAcceleratedClock } from "../testing/accelerated-clock.ts";
import * as replies from "../testing/replies.ts";
import {
  acceleration,
  createModel,
  rejection,
  startServer,
  testKey,
} from "../testing/test-model.ts";

/** Time the client let pass between two requests, in its own (accelerated) ms. */
function gapMs(requests: readonly { readonly receivedAtMs: number }[], index: number): number {
  const [before, after] = [requests[index - 1], requests[index]];
  if (!before || !after) throw new Error(`No request ${index}`);
  return (after.receivedAtMs - before.receivedAtMs) * acceleration;
}

it.each([
  ["Retry-After in seconds", 429, { "retry-after": "5" }, 5000],
  ["Retry-After in fractions of seconds on 503", 503, { "retry-after": "2.5" }, 2500],
  ["retry-after-ms", 429, { "retry-after-ms": "4000" }, 4000],
  ["x-ratelimit-reset-requests", 429, { "x-ratelimit-reset-requests": "0m6s" }, 6000],
  [
    "the limit that is used up, not the other",
    429,
    {
      "x-ratelimit-reset-requests": "900s",
      "x-ratelimit-remaining-requests": "7",
      "x-ratelimit-reset-tokens": "3s",
      "x-ratelimit-remaining-tokens": "0",
    },
    3000,
  ],
  ["Retry-After on 500", 500, { "retry-after": "3" }, 3000],
])("waits as long as the server asks: %s", async (_, status, headers, expectedMs) => {
  const server = await startServer(replies.error(status, headers), replies.answer("done"));
  const { model } = createModel([server]);
  expect((await model.invoke("hi")).text).toBe("done");
  expect(server.requests).toHaveLength(2);
  expect(gapMs(server.requests, 1)).toBeGreaterThanOrEqual(expectedMs);
});

it("waits until the date in Retry-After", async () => {
  const clock = createAcceleratedClock(acceleration);
  const server = await startServer(
    (response, request) =>
      replies.error(429, { "retry-after": new Date(clock.now() + 20_000).toUTCString() })(
        response,
        request,
      ),
    replies.answer("done"),
  );
  const { model, events } = createModel([server], { clock });
  expect((await model.invoke("hi")).text).toBe("done");
  const retry = events.find((event) => event.type === "retry");
  // HTTP dates have whole seconds, and the model's clock runs ahead; by itself it would wait half a second.
  expect(retry?.delayMs).toBeGreaterThan(5_000);
  expect(gapMs(server.requests, 1)).toBeGreaterThanOrEqual((retry?.delayMs ?? 0) * 0.99);
});

it("a 429 without a hint backs off with full jitter and then goes to the next candidate", async () => {
  const first = await startServer(replies.error(429));
  const second = await startServer(replies.answer("from second"));
  const { model, events } = createModel([first, second], { random: () => 0.5 });
  expect((await model.invoke("hi")).text).toBe("from second");
  expect(first.requests).toHaveLength(4);
  const delays = events.filter((event) => event.type === "retry").map((event) => event.delayMs);
  expect(delays.map(Math.round)).toEqual([250, 500, 1000]);
});

it("a hint longer than retry.maxDelayMs is not waited for while another candidate is healthy", async () => {
  const first = await startServer(replies.error(429, { "retry-after": "60" }));
  const second = await startServer(replies.answer("from second"));
  const { model, events } = createModel([first, second], { retry: { maxDelayMs: 30_000 } });
  expect((await model.invoke("hi")).text).toBe("from second");
  expect(first.requests).toHaveLength(1);
  expect(events.map(({ type }) => type)).not.toContain("retry");
});

it("a hint longer than the deadline goes to the next candidate at once and cools this one down", async () => {
  const first = await startServer(replies.error(429, { "retry-after": "1000" }));
  const second = await startServer(replies.answer("from second"));
  const { model } = createModel([first, second], { retry: { deadlineMs: 100_000 } });
  expect((await model.invoke("hi")).text).toBe("from second");
  expect((await model.invoke("hi")).text).toBe("from second");
  expect(first.requests).toHaveLength(1);
  expect(second.requests).toHaveLength(2);
});

it("a hint longer than the deadline fails the call at once if there is no other candidate", async () => {
  const server = await startServer(replies.error(429, { "retry-after": "1000" }));
  const { model } = createModel([server], { retry: { deadlineMs: 100_000 } });
  const error = await rejection(model.invoke("hi"));
  expect(error).toMatchObject({ code: "RATE_LIMITED" });
  expect(String(error)).toContain("retry.deadlineMs");
  expect(server.requests).toHaveLength(1);
});

it.each([
  ["insufficient_quota", replies.error(429, {}, { code: "insufficient_quota" })],
  ["402", replies.error(402)],
])("a used-up quota (%s) is not retried, the next candidate is asked", async (_, reply) => {
  const first = await startServer(reply);
  const second = await startServer(replies.answer("from second"));
  const { model } = createModel([first, second]);
  expect((await model.invoke("hi")).text).toBe("from second");
  expect(first.requests).toHaveLength(1);
  const alone = createModel([first]).model;
  expect(await rejection(alone.invoke("hi"))).toMatchObject({ code: "QUOTA_EXHAUSTED" });
});

it.each([500, 502, 503, 504, 529])("%d is retried and counts for the breaker", async (status) => {
  const server = await startServer(replies.error(status), replies.answer("done"));
  const { model, events } = createModel([server], {
    breaker: { minimumAttempts: 1, windowSize: 1 },
  });
  expect((await model.invoke("hi")).text).toBe("done");
  expect(events.filter((event) => event.type === "breaker").map((event) => event.state)).toEqual([
    "open",
    "half-open",
    "closed",
  ]);
});

it("an HTML error page is shortened to its text in the message", async () => {
  const server = await startServer(replies.html(502, `Bad gateway ${"x".repeat(5000)}`));
  const { model } = createModel([server], { retry: { maxRetries: 0 } });
  const error = (await rejection(model.invoke("hi"))) as ModelCallError;
  expect(error.failure.message).toContain("Bad gateway");
  expect(error.failure.message).not.toMatch(/<|color:red/);
  expect(error.failure.message.length).toBeLessThan(500);
});

it.each([408, 409, 425])("%d is retried without touching the breaker", async (status) => {
  const server = await startServer(replies.error(status), replies.answer("done"));
  const { model, events } = createModel([server], {
    breaker: { minimumAttempts: 1, windowSize: 1 },
  });
  expect((await model.invoke("hi")).text).toBe("done");
  expect(events.some((event) => event.type === "breaker")).toBe(false);
});

it.each([400, 422])(
  "%d is neither retried nor taken elsewhere, the breaker is untouched",
  async (status) => {
    const first = await startServer(replies.error(status, {}, { message: "no such field" }));
    const second = await startServer(replies.answer("from second"));
    const { model, events } = createModel([first, second], {
      breaker: { minimumAttempts: 1, windowSize: 1 },
    });
    const error = await rejection(model.invoke("hi"));
    expect(error).toMatchObject({ code: "INVALID_REQUEST" });
    expect(String(error)).toContain("no such field");
    expect([first.requests.length, second.requests.length]).toEqual([1, 0]);
    expect(events.some((event) => event.type === "breaker")).toBe(false);
  },
);

it.each([401, 403])(
  "%d stops loudly, names where the key came from and the base URL",
  async (status) => {
    const first = await startServer(
      replies.error(status, {}, { message: `Incorrect API key provided: ${testKey}` }),
    );
    const second = await startServer(replies.answer("from second"));
    const { model } = createModel([first, second]);
    const error = await rejection(model.invoke("hi"));
    expect(AuthenticationError.isInstance(error)).toBe(true);
    expect(String(error)).toContain("the option apiKey");
    expect(String(error)).toContain(first.baseURL);
    expect(String(error)).toContain("may use first-model");
    expect(String(error)).not.toContain(testKey);
    expect([first.requests.length, second.requests.length]).toEqual([1, 0]);

    const tolerant = createModel([first, second], { fallback: { onAuthentication: true } }).model;
    expect((await tolerant.invoke("hi")).text).toBe("from second");
  },
);

it("a refused key from the environment is named by its variable", async () => {
  const server = await startServer(replies.error(401));
  vi.stubEnv("OPENAI_API_KEY", testKey);
  vi.stubEnv("OPENAI_BASE_URL", server.baseURL);
  onTestFinished(() => void vi.unstubAllEnvs());
  const { model } = createModel([server], { apiKey: undefined });
  const error = await rejection(model.invoke("hi"));
  expect(AuthenticationError.isInstance(error)).toBe(true);
  expect(String(error)).toContain("OPENAI_API_KEY");
});

it("404 is not retried, and the message names the model and the base URL and points out the missing /v1", async () => {
  const first = await startServer(replies.error(404));
  const second = await startServer(replies.answer("from second"));
  const { model } = createModel([first, second]);
  expect((await model.invoke("hi")).text).toBe("from second");
  expect(first.requests).toHaveLength(1);

  const { model: alone } = createModel([], {
    models: [{ model: "gpt-typo", baseURL: `http://127.0.0.1:${first.port}` }],
  });
  const error = await rejection(alone.invoke("hi"));
  expect(error).toMatchObject({ code: "MODEL_NOT_FOUND" });
  expect(String(error)).toContain('"gpt-typo"');
  expect(String(error)).toContain(`http://127.0.0.1:${first.port}/v1`);
});

it("a prompt that is too long is trimmed once, then goes to a larger window, then fails typed", async () => {
  const tooLong = replies.error(
    400,
    {},
    {
      code: "context_length_exceeded",
      message: "This model's maximum context length is 1000 tokens.",
    },
  );
  const first = await startServer(tooLong);
  const second = await startServer(replies.answer("never asked"));
  const third = await startServer(replies.answer("large window"));
  const conversation = [
    { role: "system", content: "Be brief." },
    ...Array.from({ length: 40 }, (_, index) => ({
      role: index % 2 ? "assistant" : "user",
      content: `Message ${index} ${"some words here ".repeat(20)}`,
    })),
    { role: "user", content: "The last question" },
  ];
  const { model, events } = createModel([], {
    models: [
      { model: "a", name: "first", baseURL: first.baseURL, contextWindowTokens: 1000 },
      { model: "b", name: "second", baseURL: second.baseURL, contextWindowTokens: 1000 },
      { model: "c", name: "third", baseURL: third.baseURL, contextWindowTokens: 9000 },
    ],
  });
  expect((await model.invoke(conversation)).text).toBe("large window");
  expect([first.requests.length, second.requests.length, third.requests.length]).toEqual([2, 0, 1]);
  const trimmed = first.requests[1]?.body.messages ?? [];
  expect(trimmed[0]?.content).toBe("Be brief.");
  expect(trimmed[1]?.content).toMatch(/\d+ earlier messages were left out/);
  expect(trimmed.at(-1)?.content).toBe("The last question");
  expect(third.requests[0]?.body.messages).toHaveLength(conversation.length);
  expect(events.filter((event) => event.type === "context-trimmed")).toHaveLength(1);

  third.play(tooLong);
  const error = await rejection(model.invoke(conversation));
  expect(ContextLengthError.isInstance(error)).toBe(true);
  expect((error as ContextLengthError).failure.windowTokens).toBe(1000);
});

it("a prompt trimmed beforehand is never sent longer, not even to a larger window", async () => {
  const tooLong = replies.error(400, {}, { code: "context_length_exceeded" });
  const first = await startServer(tooLong);
  const second = await startServer(replies.answer("large window"));
  const conversation = Array.from({ length: 41 }, (_, index) => ({
    role: index % 2 ? "assistant" : "user",
    content: `Message ${index} ${"some words here ".repeat(20)}`,
  }));
  const { model, events } = createModel([], {
    models: [
      { model: "a", baseURL: first.baseURL, contextWindowTokens: 1000 },
      { model: "b", baseURL: second.baseURL, contextWindowTokens: 9000 },
    ],
    context: { maxPromptTokens: 1500 },
  });
  expect((await model.invoke(conversation)).text).toBe("large window");
  const [whole, shorter, again] = [...first.requests, ...second.requests].map(({ body }) => body);
  expect(whole?.messages.length).toBeLessThan(conversation.length);
  expect(again?.messages).toEqual(whole?.messages);
  // The note counts every message left out, and there is one note.
  const kept = (shorter?.messages.length ?? 0) - 1;
  const left = conversation.length - kept;
  expect(shorter?.messages[0]?.content).toContain(`[${left} earlier messages were left out`);
  expect(events.filter((event) => event.type === "context-trimmed")).toMatchObject([
    { removedMessages: conversation.length + 1 - (whole?.messages.length ?? 0) },
    { removedMessages: left },
  ]);
});

it.each([
  ["an error", replies.error(400, {}, { code: "content_filter" })],
  ["a finish_reason", replies.completion("I", { finishReason: "content_filter" })],
])(
  "a content filter (%s) is a typed error, or a candidate of another provider if asked for",
  async (_, reply) => {
    const first = await startServer(reply);
    const second = await startServer(replies.answer("same provider"));
    const third = await startServer(replies.answer("other provider"));
    const models = [
      { model: "a", baseURL: first.baseURL, provider: "one" },
      { model: "b", baseURL: second.baseURL, provider: "one" },
      { model: "c", baseURL: third.baseURL, provider: "two" },
    ];
    const strict = createModel([], { models }).model;
    expect(ContentFilterError.isInstance(await rejection(strict.invoke("hi")))).toBe(true);
    const tolerant = createModel([], { models, fallback: { onContentFilter: true } }).model;
    expect((await tolerant.invoke("hi")).text).toBe("other provider");
    expect(second.requests).toHaveLength(0);
  },
);

it.each([
  ["an HTML page", replies.html(200, "Welcome to nginx")],
  ["no choices", replies.json(200, { id: "x", object: "chat.completion", choices: [] })],
  ["plain text", (response) => void response.end("ok")],
] satisfies [string, Parameters<typeof startServer>[0]][])(
  "status 200 with %s is an InvalidResponseError with a hint on the base URL",
  async (_, reply) => {
    const server = await startServer(reply);
    const { model } = createModel([server]);
    for (const call of [
      () => model.invoke("hi"),
      async () => void (await Array.fromAsync(await model.stream("hi"))),
    ]) {
      const error = await rejection(call());
      expect(InvalidResponseError.isInstance(error)).toBe(true);
      expect((error as InvalidResponseError).nextStep).toContain(server.baseURL);
    }
  },
);

it("an error inside an answer with status 200 is classified by its code", async () => {
  const server = await startServer(
    replies.json(200, { error: { code: 503, message: "upstream overloaded" } }),
    replies.answer("done"),
  );
  const { model, events } = createModel([server]);
  expect((await model.invoke("hi")).text).toBe("done");
  expect(events.find((event) => event.type === "attempt-failed")?.failure.kind).toBe(
    "server-error",
  );
});

it('finish_reason "length" is returned and flagged, not retried', async () => {
  const server = await startServer(replies.completion("half of", { finishReason: "length" }));
  const { model } = createModel([server]);
  const answer = await model.invoke("hi");
  expect(answer.text).toBe("half of");
  expect(answer.response_metadata["finish_reason"]).toBe("length");
  expect(answer.response_metadata["resilience"]).toMatchObject({ cutAtLimit: true, attempts: 1 });
  expect(server.requests).toHaveLength(1);
});
