import { FakeListChatModel } from "@langchain/core/utils/testing";
import { ChatOpenAI } from "@langchain/openai";
import { AIMessage } from "@langchain/core/messages";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  InvalidOptionsError,
  parseJsonAnswer,
  parseTaggedAnswer,
  ResilientChatModel,
  trimToWindow,
  type ResilientChatModelOptions,
} from "@threadkeep/resilient-llm";
import { createOpenTelemetryListener } from "@threadkeep/resilient-llm/opentelemetry";
import { holySheep } from "@threadkeep/resilient-llm/presets/holysheep";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";

const given = new FakeListChatModel({ responses: ["x"], maxRetries: 0 });

/** The whole message of the error that `make` throws. */
function refusal(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    if (!(error instanceof InvalidOptionsError)) throw error;
    return error.message;
  }
  throw new Error("Nothing was refused");
}

function refusalOf(options: unknown): string {
  return refusal(() => new ResilientChatModel(options as ResilientChatModelOptions));
}

describe("the constructor says what is wrong with", () => {
  it.each([
    [undefined, "undefined"],
    [null, "null"],
    ["gpt-4.1", "a string of 7 characters"],
    [["gpt-4.1"], "an array of 1"],
  ])("options that are %s", (options, got) => {
    expect(refusalOf(options)).toBe(
      `Invalid options of ResilientChatModel:\n  options: expected an object, got ${got}`,
    );
  });

  const text = "expected a string, a LangChain chat model or an object";
  const beside = "expected nothing beside a LangChain chat model, which has its own";

  it.each<[object, string]>([
    [{ models: undefined }, "models: expected an array, got undefined"],
    [{ models: [] }, "models: expected at least one element, got an array of 0"],
    [{ models: "gpt-4.1" }, "models: expected an array, got a string of 7 characters"],
    [{ models: [7] }, `models[0]: ${text}, got 7`],
    [{ models: ["a", null] }, `models[1]: ${text}, got null`],
    [
      { models: ["sk-0123456789abcdef"] },
      "models[0]: expected a name that does not look like an API key, got a string of 19 characters",
    ],
    [
      { models: [{ modle: "a", model: "a" }] },
      "models[0].modle: unknown option; did you mean model?",
    ],
    [
      { models: [{ model: "a", baseUrl: "x" }] },
      "models[0].baseUrl: unknown option; did you mean baseURL?",
    ],
    [
      { models: [{ model: "a", pricing: { inputPerMillionUsd: 1 } }] },
      "models[0].pricing.outputPerMillionUsd: expected a number, got undefined",
    ],
    [
      { models: [{ model: "a", fields: { temprature: 0 } }] },
      "models[0].fields.temprature: unknown option; did you mean temperature?",
    ],
    [
      { models: [{ model: "a", fields: { maxRetries: 2 } }] },
      "models[0].fields.maxRetries: expected nothing here, because retry.maxRetries sets the retries, got 2",
    ],
    [
      { models: [{ model: "a", fields: { configuration: { baseURL: "http://x/v1" } } }] },
      "models[0].fields.configuration.baseURL: expected nothing here, because the candidate's option baseURL " +
        "is the address, got a string of 11 characters",
    ],
    [
      { models: [{ model: "a", maxOutputTokens: 5, fields: { maxTokens: 5 } }] },
      "models[0].fields.maxTokens: expected nothing beside maxOutputTokens, which is the same limit, got 5",
    ],
    [
      { models: [{ model: given, apiKey: "k" }] },
      `models[0].apiKey: ${beside} apiKey, got a string of 1 character`,
    ],
    [
      { models: [{ model: given, fields: {} }] },
      `models[0].fields: ${beside} fields, got an object`,
    ],
    [
      { models: [{ model: "a", endpoints: [] }] },
      "models[0].endpoints: expected at least one element, got an array of 0",
    ],
    [
      { models: [{ model: "a", endpoints: {} }] },
      "models[0].endpoints: expected an array, got an object",
    ],
    [
      { models: [{ model: "a", endpoints: ["https://host/v1"] }] },
      "models[0].endpoints[0]: expected an object, got a string of 15 characters",
    ],
    [
      { models: [{ model: "a", endpoints: [{ wieght: 1 }] }] },
      "models[0].endpoints[0].wieght: unknown option; did you mean weight?",
    ],
    [
      { models: [{ model: "a", endpoints: [{ baseUrl: "https://host/v1" }] }] },
      "models[0].endpoints[0].baseUrl: unknown option; did you mean baseURL?",
    ],
    [{ models: [{ model: "a", weight: 1 }] }, "models[0].weight: unknown option"],
    ...(
      [
        [0, "above 0, got 0"],
        [-1, "above 0, got -1"],
        [Infinity, "a finite number, got Infinity"],
        ["2", "a number, got a string of 1 character"],
      ] as const
    ).map(([weight, expected]): [object, string] => [
      { models: [{ model: "a", endpoints: [{ weight }] }] },
      `models[0].endpoints[0].weight: expected ${expected}`,
    ]),
    ...(
      [
        [0, "above 0, got 0"],
        [1, "below 1, got 1"],
        ["5%", "a number, got a string of 2 characters"],
      ] as const
    ).map(([canary, expected]): [object, string] => [
      { models: [{ model: "a", endpoints: [{}, { canary }] }] },
      `models[0].endpoints[1].canary: expected ${expected}`,
    ]),
    [
      { models: [{ model: "a", endpoints: [{}, { canary: 0.1, weight: 2 }] }] },
      "models[0].endpoints[1].weight: expected nothing beside canary, which is the endpoint's share, got 2",
    ],
    [
      { models: [{ model: "a", endpoints: [{ canary: 0.1 }] }] },
      "models[0].endpoints: expected at least one endpoint that is not a canary, got an array of 1",
    ],
    [
      { models: [{ model: "a", endpoints: [{}, { canary: 0.5 }, { canary: 0.6 }] }] },
      "models[0].endpoints: expected canary shares that leave something to the other endpoints: below 1 " +
        "together, got an array of 3",
    ],
    [
      { models: [{ model: given, endpoints: [{}] }] },
      "models[0].endpoints: expected nothing beside a LangChain chat model, which has its own endpoint, " +
        "got an array of 1",
    ],
    [
      { models: [{ model: "a", endpoints: [{ model: given, apiKey: "k" }] }] },
      `models[0].endpoints[0].apiKey: ${beside} apiKey, got a string of 1 character`,
    ],
    [
      { models: [{ model: "a", endpoints: [{ rateLimit: { requestsPerMinute: 0 } }] }] },
      "models[0].endpoints[0].rateLimit.requestsPerMinute: expected above 0, got 0",
    ],
    [
      { models: [{ model: "a", maxOutputTokens: 5, endpoints: [{ fields: { maxTokens: 6 } }] }] },
      "models[0].endpoints[0].fields.maxTokens: expected maxOutputTokens of the endpoint instead, because " +
        "the candidate has that limit, got 6",
    ],
    [{ apiKey: "" }, "apiKey: expected a string that is not empty, got an empty string"],
    [{ baseURL: "localhost" }, "baseURL: expected a URL, got a string of 9 characters"],
    [
      { baseURL: "https://user:password@host/v1" },
      "baseURL: expected a URL without user and password (a key is passed as apiKey), got a string of 29 characters",
    ],
    [{ retry: 3 }, "retry: expected an object, got 3"],
    [{ retry: { maxRetries: -1 } }, "retry.maxRetries: expected at least 0, got -1"],
    [{ retry: { maxRetries: 1.5 } }, "retry.maxRetries: expected a whole number, got 1.5"],
    [{ retry: { maxRetires: 1 } }, "retry.maxRetires: unknown option; did you mean maxRetries?"],
    [
      { retry: { attempts: 1 } },
      "retry.attempts: unknown option; known are maxRetries, baseDelayMs, maxDelayMs, deadlineMs, maxBlockMs, quota",
    ],
    [{ timeout: 30_000 }, "timeout: expected an object, got 30000"],
    [
      { timeout: { adaptive: "median" } },
      'timeout.adaptive: expected true, false, "quantile" or "mean", got a string of 6 characters',
    ],
    [
      { timeout: { idleMs: "5s" } },
      "timeout.idleMs: expected milliseconds above 0, or Infinity for no limit, got a string of 2 characters",
    ],
    [
      { timeout: { latencyStore: {} } },
      "timeout.latencyStore: expected an object with the methods read and append, got an object",
    ],
    [{ hedge: { quantile: 95 } }, "hedge.quantile: expected below 1, got 95"],
    [
      { hedge: { afterMs: 1, quantile: 0.5 } },
      "hedge: expected afterMs or quantile, not both, got an object",
    ],
    [
      { breaker: { minimumAttempts: 50 } },
      "breaker.minimumAttempts: expected at most windowSize (20), else it would never open, got 50",
    ],
    [
      { streamRecovery: "restarts" },
      'streamRecovery: expected "continue", "restart" or "error", got a string of 8 characters; did you mean "restart"?',
    ],
    [{ budget: { maxCostUSD: 5 } }, "budget.maxCostUSD: unknown option; did you mean maxCostUsd?"],
    [
      { budget: { perThread: { maxCostUsd: -1 } } },
      "budget.perThread.maxCostUsd: expected at least 0, got -1",
    ],
    [{ onEvent: "log" }, "onEvent: expected a function, got a string of 3 characters"],
    [{ clock: {} }, "clock: expected an object with the methods now and setTimer, got an object"],
    [{ random: 0.5 }, "random: expected a function, got 0.5"],
    [{ createRateLimiter: {} }, "createRateLimiter: expected a function, got an object"],
    [{ maxConcurrency: 0 }, "maxConcurrency: expected a whole number from 1, or Infinity, got 0"],
    [{ modls: [] }, "modls: unknown option; did you mean models?"],
    [{ max_retries: 3 }, "max_retries: unknown option; did you mean retry.maxRetries?"],
  ])("%o", (options, line) => {
    expect(refusalOf({ models: ["a"], apiKey: "k", ...options })).toBe(
      `Invalid options of ResilientChatModel:\n  ${line}`,
    );
  });

  it("several options at once, each in a line of its own", () => {
    const options = {
      models: [{ model: "a", nmae: "b" }],
      retry: { maxRetries: "3" },
      timeout: { totalMs: 0, firstTokenMS: 1 },
      onEvnt: () => undefined,
    };
    expect(refusalOf(options).split("\n")).toEqual([
      "Invalid options of ResilientChatModel:",
      "  models[0].nmae: unknown option; did you mean name?",
      "  retry.maxRetries: expected a number, got a string of 1 character",
      "  timeout.totalMs: expected milliseconds above 0, or Infinity for no limit, got 0",
      "  timeout.firstTokenMS: unknown option; did you mean firstTokenMs?",
      "  onEvnt: unknown option; did you mean onEvent?",
    ]);
  });
});

describe("options of LangChain's base class", () => {
  const here = "expected nothing here, because";

  it.each<[string, unknown, string]>([
    ["maxRetries", 2, `maxRetries: ${here} retry.maxRetries sets the retries, got 2`],
    [
      "onFailedAttempt",
      () => 1,
      `onFailedAttempt: ${here} onEvent hears of failed attempts, got a function`,
    ],
    ["streaming", true, `streaming: ${here} stream() and invoke() decide for each call, got true`],
    ["callbackManager", {}, `callbackManager: ${here} callbacks takes its place, got an object`],
    [
      "temperature",
      0,
      "temperature: expected it in models, as in models: [{ model, fields: { temperature: 0 } }], got 0",
    ],
    ["verbose", "yes", "verbose: expected true or false, got a string of 3 characters"],
    [
      "cache",
      "redis",
      "cache: expected true, false or a LangChain cache, got a string of 5 characters",
    ],
    ["outputVersion", "v2", 'outputVersion: expected "v0" or "v1", got a string of 2 characters'],
  ])("%s is refused with what to use", (name, value, line) => {
    expect(refusalOf({ models: ["a"], apiKey: "k", [name]: value })).toBe(
      `Invalid options of ResilientChatModel:\n  ${line}`,
    );
  });

  it("the others are taken", () => {
    const options = {
      cache: false,
      callbacks: [],
      disableStreaming: true,
      maxConcurrency: 2,
      metadata: { a: 1 },
      outputVersion: "v1",
      tags: ["t"],
      verbose: false,
    } satisfies Partial<ResilientChatModelOptions>;
    const model = new ResilientChatModel({ models: ["a"], apiKey: "k", ...options });
    expect(model).toMatchObject({ disableStreaming: true, outputVersion: "v1", tags: ["t"] });
  });
});

describe("every function with options says what is wrong with them", () => {
  const model = new ResilientChatModel({ models: ["a"], apiKey: "k" });

  it.each<[string, () => unknown, string]>([
    ["withBudget", () => model.withBudget({ maxUsd: 1 } as never), "budget.maxUsd: unknown option"],
    ["withBudget", () => model.withBudget(null as never), "budget: expected an object, got null"],
    [
      "withConfig",
      () => model.withConfig({ tools: {} } as never),
      "tools: expected an array, got an object",
    ],
    [
      "bindTools",
      () => model.bindTools(undefined as never),
      "tools: expected an array, got undefined",
    ],
    [
      "bindTools",
      () => model.bindTools(["add"] as never),
      "tools[0]: expected an object, got a string",
    ],
    [
      "subscribe",
      () => model.subscribe(undefined as never),
      "listener: expected a function, got undefined",
    ],
    [
      "withStructuredOutput",
      () => model.withStructuredOutput(undefined as never),
      "schema: expected a zod schema, a JSON schema or a function definition, got undefined",
    ],
    [
      "withStructuredOutput",
      () => model.withStructuredOutput(z.object({}), { method: "jsonSchma" }),
      'method: expected "functionCalling", "jsonMode" or "jsonSchema", got a string of 9 characters; ' +
        'did you mean "jsonSchema"?',
    ],
    [
      "withStructuredOutput",
      () => model.withStructuredOutput(z.object({}), { includeraw: true } as never),
      "includeraw: unknown option; did you mean includeRaw?",
    ],
    [
      "withStructuredOutput",
      () => model.withStructuredOutput(z.object({}), { method: "jsonMode", strict: true }),
      'strict: expected nothing beside the method "jsonMode", which checks no schema, got true',
    ],
    [
      "trimToWindow",
      () => trimToWindow([], undefined as never),
      "maxTokens: expected a number of tokens from 0, got undefined",
    ],
    [
      "trimToWindow",
      () => trimToWindow([], { maxTokens: Number.NaN }),
      "maxTokens: expected a number of tokens from 0, got NaN",
    ],
    [
      "trimToWindow",
      () => trimToWindow(undefined as never, { maxTokens: 1 }),
      "messages: expected an array, got undefined",
    ],
    [
      "trimToWindow",
      () => trimToWindow([], { maxTokns: 1, maxTokens: 1 } as never),
      "maxTokns: unknown option; did you mean maxTokens?",
    ],
    [
      "parseJsonAnswer",
      () => parseJsonAnswer(undefined as never, z.object({})),
      "answer: expected a text or a message, got undefined",
    ],
    [
      "parseJsonAnswer",
      () => parseJsonAnswer("{}", {} as never),
      "schema: expected a zod schema, got an object",
    ],
    [
      "parseJsonAnswer",
      () => parseJsonAnswer("{}", z.object({}), { repare: false } as never),
      "repare: unknown option; did you mean repair?",
    ],
    [
      "parseTaggedAnswer",
      () => parseTaggedAnswer("<a>", z.string() as never),
      "schema: expected a zod object, got an object of class ZodString",
    ],
    [
      "holySheep",
      () => holySheep({ models: ["gpt-4.2"] as never }),
      'models[0]: expected "deepseek-v3.2"',
    ],
    ["holySheep", () => holySheep({ key: "k" } as never), "key: unknown option"],
    [
      "createOpenTelemetryListener",
      () => createOpenTelemetryListener({ tracer: {} } as never),
      "tracer: expected an object with the method startSpan, got an object",
    ],
  ])("%s (%#)", (_, make, line) => {
    expect(refusal(make)).toContain(`\n  ${line}`);
  });

  it("an answer may be a text or a message", () => {
    const schema = z.object({ a: z.number() });
    expect(parseJsonAnswer('{"a": 1}', schema)).toEqual({ a: 1 });
    expect(parseJsonAnswer(new AIMessage('{"a": 1}'), schema)).toEqual({ a: 1 });
  });
});

describe("a call's options are checked before any request", () => {
  it.each<[object, string]>([
    [{ signal: {} }, "signal: expected an AbortSignal, got an object"],
    [{ timeout: -5 }, "timeout: expected above 0, got -5"],
    [{ tools: "add" }, "tools: expected an array, got a string of 3 characters"],
    [{ strict: "yes" }, "strict: expected true or false, got a string of 3 characters"],
    [
      { response_format: "json" },
      "response_format: expected an object, got a string of 4 characters",
    ],
    [
      { maxRetries: 2 },
      "maxRetries: expected nothing here, because retry.maxRetries of the model sets the retries, got 2",
    ],
    [
      { streaming: true },
      "streaming: expected nothing here, because stream() and invoke() decide, got true",
    ],
  ])("%o", async (options, line) => {
    const server = await startServer(replies.answer("x"));
    const { model } = createModel([server]);
    const message = `Invalid options of a call of ResilientChatModel:\n  ${line}`;
    expect(await rejection(model.invoke("hi", options))).toMatchObject({ message });
    expect(await rejection(model.stream("hi", options))).toMatchObject({ message });
    expect(server.requests).toHaveLength(0);
  });

  it("options that are not known go to the model", async () => {
    const server = await startServer(replies.answer("x"));
    const { model } = createModel([server]);
    await model.invoke("hi", { seed: 7 } as object);
    expect(server.requests[0]?.body).toMatchObject({ seed: 7 });
  });
});

it("a ChatOpenAI that was told to retry by itself is refused, without a number or with 0 it is not", () => {
  const create = (fields: object) => ({
    models: [new ChatOpenAI({ model: "a", apiKey: "k", ...fields })],
  });
  expect(refusalOf(create({ maxRetries: 2 }))).toContain(
    "models[0]: expected a ChatOpenAI without maxRetries, because retry.maxRetries sets the retries, " +
      "got an object of class ChatOpenAI",
  );
  for (const fields of [{}, { maxRetries: 0 }]) {
    expect(new ResilientChatModel(create(fields)).models).toEqual(["a"]);
  }
});
