import { ChatOpenAI } from "@langchain/openai";
import { inspect } from "node:util";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  InvalidOptionsError,
  ResilientChatModel,
  type ResilienceEvent,
} from "@threadkeep/resilient-llm";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";

const mark = "sk-s3cr3t-Mark0123456789";
const seen = /s3cr3t|Mark0123456789/i;

/** Every option, nested ones too. */
const paths = [
  "models models.0 models.0.model models.0.name models.0.baseURL models.0.provider models.0.pricing",
  "models.0.pricing.inputPerMillionUsd models.0.contextWindowTokens models.0.maxOutputTokens",
  "models.0.profile models.0.rateLimit models.0.rateLimit.requestsPerMinute models.0.fields",
  "models.0.endpoints models.0.endpoints.0 models.0.endpoints.0.name models.0.endpoints.0.baseURL",
  "models.0.endpoints.0.weight models.0.endpoints.0.canary models.0.endpoints.0.unknown",
  "models.0.unknown baseURL retry retry.maxRetries retry.quota retry.quota.capacity timeout",
  "timeout.adaptive timeout.latencyStore timeout.connectMs fallback fallback.onAuthentication hedge",
  "hedge.afterMs breaker breaker.threshold streamRecovery context context.maxPromptTokens budget",
  "budget.maxCostUsd budget.perThread budget.onUnknownPrice",
].flatMap((line) => line.split(" "));

const shapes: readonly unknown[] = [
  mark,
  [mark],
  { [mark]: mark },
  { apiKey: mark, [mark]: 1 },
  { model: mark },
  `https://user:${mark}@host/v1`,
  Symbol(mark),
  Object.assign(() => mark, { [mark]: mark }),
];

describe("no error about options shows what was given", () => {
  it.each(paths)("as %s", (path) => {
    let refused = 0;
    for (const shape of shapes) {
      let error: unknown;
      try {
        void new ResilientChatModel(withOption(path, shape) as never);
        continue;
      } catch (thrown) {
        error = thrown;
      }
      refused += 1;
      expect(error).toBeInstanceOf(InvalidOptionsError);
      expectNothingSeen(error);
    }
    expect(refused).toBeGreaterThan(0);
  });
});

it("a variable's URL with a password is shown without it", () => {
  vi.stubEnv("OPENAI_BASE_URL", `https://user:${mark}@host/v1`);
  vi.stubEnv("OPENAI_API_KEY", "");
  onTestFinished(() => void vi.unstubAllEnvs());
  const make = () => new ResilientChatModel({ models: ["a"] });
  expect(make).toThrow("No API key for the model a at https://host/v1");
  expect(make).not.toThrow(seen);
});

it.each(["", " "])(
  "takes the variables of the environment as unset where they hold %j",
  (nothing) => {
    vi.stubEnv("OPENAI_API_KEY", nothing);
    vi.stubEnv("OPENAI_BASE_URL", nothing);
    onTestFinished(() => void vi.unstubAllEnvs());
    const make = () => new ResilientChatModel({ models: ["a"] });
    expect(make).toThrow("No API key for the model a at https://api.openai.com/v1");
  },
);

describe("no error, event or cause of a call shows", () => {
  it("a header that identifies the caller, though the server repeats it", async () => {
    const token = mark.slice(3);
    const server = await startServer(replies.error(401, {}, { message: `bad token ${token}` }));
    const fields = { configuration: { defaultHeaders: { "X-Token": token } } };
    const models = [{ model: "a", baseURL: server.baseURL, fields }];
    const { model, events } = createModel([], { models, retry: { maxRetries: 0 } });
    expectNothingSeen([await rejection(model.invoke("hi")), events]);
  });

  it("the password in a LangChain model's URL", async () => {
    const chatModel = new ChatOpenAI({
      model: "a",
      apiKey: "none",
      maxRetries: 0,
      configuration: {
        baseURL: `http://user:${mark.slice(3)}@127.0.0.1:1/v1?key=${mark.slice(3)}`,
      },
    });
    const events: ResilienceEvent[] = [];
    const onEvent = (event: ResilienceEvent): void => void events.push(event);
    const model = new ResilientChatModel({
      models: [chatModel],
      retry: { maxRetries: 0 },
      onEvent,
    });
    const error = await rejection(model.invoke("hi"));
    expect(String(error)).toContain("127.0.0.1:1/v1");
    expectNothingSeen([error, events, model._identifyingParams()]);
  });
});

function withOption(path: string, value: unknown): object {
  const options = { apiKey: "k", models: [{ model: "a" }] };
  const names = path.split(".");
  let place = options as unknown as Record<string, unknown>;
  for (const name of names.slice(0, -1)) {
    place[name] ??= {};
    place = place[name] as Record<string, unknown>;
  }
  place[names.at(-1)!] = value;
  return options;
}

function expectNothingSeen(value: unknown): void {
  const shown = inspect(value, { depth: 12, showHidden: true, maxStringLength: null });
  expect(shown + JSON.stringify(value)).not.toMatch(seen);
}
