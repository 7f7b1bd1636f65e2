import { once } from "node:events";
import { ChatOpenAI } from "@langchain/openai";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import type { AIMessageChunk } from "@langchain/core/messages";
import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import {
  InvalidOptionsError,
  type ModelCallError,
  type ResilienceEvent,
  ResilientChatModel,
  type ResilientChatModelOptions,
  type SimulatedFaultKind,
} from "@threadkeep/resilient-llm";
import type { FaultServer } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer, testKey } from "../testing/test-model.ts";

const WORDS = "one two three four five six seven eight nine ten";
const CITY = z.object({ city: z.string() });

/** What each kind becomes, and whether the call goes on by itself. Not read from the package. */
const KINDS: readonly (readonly [SimulatedFaultKind, string])[] = [
  ["rate-limited", "rate-limited"],
  ["quota-exhausted", "quota-exhausted"],
  ["server-error", "server-error"],
  ["authentication", "authentication"],
  ["not-found", "not-found"],
  ["context-length", "context-length"],
  ["content-filter", "content-filter"],
  ["connection", "connection"],
  ["invalid-response", "invalid-response"],
  ["broken-json", "truncated"],
  ["empty-answer", "empty-answer"],
];

type Way = "invoke" | "stream";

async function ask(model: ResilientChatModel, way: Way): Promise<string> {
  if (way === "invoke") return (await model.invoke("hi")).text;
  let joined: AIMessageChunk | undefined;
  for await (const chunk of await model.stream("hi")) joined = joined?.concat(chunk) ?? chunk;
  return joined?.text ?? "";
}

function listFailed(events: readonly ResilienceEvent[]) {
  return events.filter((event) => event.type === "attempt-failed");
}

/** `first` meets the fault each time, `second` never. */
async function simulate(
  fault: Omit<
    Extract<ResilientChatModelOptions["simulateFaults"], readonly unknown[]>[number],
    "rate"
  >,
  options: Partial<ResilientChatModelOptions> = {},
) {
  const first = await startServer(replies.answer(WORDS));
  const second = await startServer(replies.answer("from second"));
  const simulateFaults = [{ rate: 1, models: ["first"], ...fault }];
  return { first, second, ...createModel([first, second], { simulateFaults, ...options }) };
}

afterEach(() => vi.unstubAllEnvs());

describe.each(["invoke", "stream"] as const)("%s", (way) => {
  it.each(KINDS)(
    "%s is taken for %s, sends nothing, costs nothing, and is marked",
    async (kind, becomes) => {
      const fallback = { onAuthentication: true, onContentFilter: true };
      const { events, first, model, second } = await simulate({ kind }, { fallback });
      expect(await ask(model, way)).toBe("from second");
      const failed = listFailed(events);
      expect(failed.length).toBeGreaterThan(0);
      for (const { costUsd, failure, simulatedFault } of failed) {
        expect(failure).toMatchObject({ kind: becomes, simulatedFault: kind });
        expect(failure.message).toContain(`(simulated: ${kind})`);
        expect({ costUsd, simulatedFault }).toEqual({ costUsd: 0, simulatedFault: kind });
      }
      expect(first.requests).toEqual([]);
      expect(second.requests).toHaveLength(1);
      const { byModel, costUsd } = model.costs.snapshot();
      expect(byModel["first"]).toMatchObject({ costUsd: 0, inputTokens: 0, outputTokens: 0 });
      expect(costUsd).toBe(byModel["second"]?.costUsd);
    },
  );

  it("a fault that every model meets ends with the error of a real one, in whose timeline it is marked", async () => {
    const { model } = await simulate({
      kind: "server-error",
      status: 503,
      models: ["first", "second"],
    });
    const error = await rejection(ask(model, way));
    expect(error).toMatchObject({ code: "ALL_CANDIDATES_FAILED", failure: { status: 503 } });
    expect((error as ModelCallError).attempts).toHaveLength(8);
    expect((error as ModelCallError).attempts[0]).toMatchObject({ simulatedFault: "server-error" });
    expect(String(error)).toContain("(simulated: server-error)");
  });

  it("a stall before the first token runs into the limit that is there for it", async () => {
    const timeout = way === "stream" ? { connectMs: 20_000 } : { totalMs: 20_000 };
    const { events, model } = await simulate(
      { kind: "stall" },
      { retry: { maxRetries: 0 }, timeout },
    );
    expect(await ask(model, way)).toBe("from second");
    expect(listFailed(events)).toMatchObject([
      { failure: { kind: "timeout", phase: way === "stream" ? "connect" : "total" } },
    ]);
  });

  it("a slow answer is whole, later, and paid for", async () => {
    const { events, first, model } = await simulate({ kind: "slow", delayMs: 10_000 });
    expect(await ask(model, way)).toBe(WORDS);
    expect(first.requests).toHaveLength(1);
    const succeeded = events.find((event) => event.type === "attempt-succeeded");
    expect(succeeded).toMatchObject({ simulatedFault: "slow" });
    expect(succeeded?.durationMs).toBeGreaterThanOrEqual(10_000);
    expect(succeeded?.costUsd).toBeGreaterThan(0);
  });

  it("what was cut is never handed out as whole", async () => {
    const { first, model } = await simulate(
      { kind: "cut", afterShare: 0.5 },
      { retry: { maxRetries: 0 }, streamRecovery: "restart" },
    );
    expect(await ask(model, way)).toBe("from second");
    expect(first.requests).toHaveLength(1);
  });
});

async function readPart(server: FaultServer, options: Partial<ResilientChatModelOptions>) {
  const { model } = createModel([server], {
    streamRecovery: "error",
    retry: { maxRetries: 0 },
    ...options,
  });
  return rejection(ask(model, "stream"));
}

it.each([
  [0.2, "one two "],
  [0.5, "one two three four five "],
])("a stream is cut after %f of its answer", async (afterShare, text) => {
  const server = await startServer(replies.streamText(WORDS));
  const simulateFaults = [{ kind: "cut", rate: 1, afterShare }] as const;
  expect(await readPart(server, { simulateFaults })).toMatchObject({ partial: { text } });
});

it("a stall in the middle hands out the part before it, and is ended by the idle limit", async () => {
  const server = await startServer(replies.streamText(WORDS));
  const error = await readPart(server, {
    simulateFaults: [{ kind: "stall", rate: 1, afterShare: 0.5 }],
    timeout: { idleMs: 20_000 },
  });
  expect(error).toMatchObject({
    failure: { kind: "timeout", phase: "idle", simulatedFault: "stall" },
    partial: { text: "one two three four five " },
  });
});

it.each(["jsonSchema", "functionCalling", "jsonMode"] as const)(
  "%s: a wrong schema is repaired, and plain calls do not meet it",
  async (method) => {
    const { events, model, second } = await simulate({ kind: "wrong-schema" });
    expect(await ask(model, "invoke")).toBe(WORDS);
    const good = JSON.stringify({ city: "Ulm" });
    const toolCalls = [{ name: "extract", args: good }];
    second.play(
      method === "functionCalling"
        ? replies.completion(null, { toolCalls })
        : replies.completion(good),
    );
    const structured = model.withStructuredOutput(CITY, { method });
    expect(await structured.invoke("hi")).toEqual({ city: "Ulm" });
    const failures = listFailed(events).map(({ failure }) => failure);
    expect(failures).toHaveLength(4);
    for (const failure of failures) {
      expect(failure).toMatchObject({ kind: "failed-generation", simulatedFault: "wrong-schema" });
    }
  },
);

describe("the Responses API", () => {
  it.each(["invoke", "stream"] as const)("%s: an empty answer is one there too", async (way) => {
    const server = await startServer(replies.hang);
    const inner = new ChatOpenAI({
      model: "gpt-4.1",
      apiKey: testKey,
      useResponsesApi: true,
      configuration: { baseURL: server.baseURL },
    });
    const simulateFaults = [{ kind: "empty-answer", rate: 1 }] as const;
    const { events, model } = createModel([], { models: [inner], simulateFaults });
    expect(await ask(model, way)).toBe("");
    expect(listFailed(events)).toMatchObject([
      { failure: { kind: "empty-answer" } },
      { failure: { kind: "empty-answer" } },
    ]);
    expect(server.requests).toEqual([]);
  });
});

async function listOutcomes(seed: number): Promise<string[]> {
  const server = await startServer(replies.answer("fine"));
  const { events, model } = createModel([server], {
    simulateFaults: { seed, faults: [{ kind: "server-error", rate: 0.4 }] },
    breaker: { threshold: 0.99, minimumAttempts: 20 },
  });
  for (let call = 0; call < 20; call += 1) await model.invoke("hi").catch(() => undefined);
  return events.flatMap(({ type }) => (/^attempt-(?:failed|succeeded)$/.test(type) ? [type] : []));
}

it("the same seed gives the same faults, another seed others, at the rate that was asked for", async () => {
  const outcomes = await listOutcomes(7);
  expect(await listOutcomes(7)).toEqual(outcomes);
  expect(await listOutcomes(8)).not.toEqual(outcomes);
  const failed = outcomes.filter((type) => type === "attempt-failed").length;
  expect(failed / outcomes.length).toBeGreaterThan(0.2);
  expect(failed / outcomes.length).toBeLessThan(0.6);
});

it("breaker and fallback meet simulated faults as they meet real ones", async () => {
  const breaker = { minimumAttempts: 3 };
  const { events, model, second } = await simulate({ kind: "server-error" }, { breaker });
  for (let call = 0; call < 3; call += 1) expect(await ask(model, "invoke")).toBe("from second");
  expect(events).toContainEqual({ type: "breaker", candidate: "first", state: "open" });
  expect(second.requests).toHaveLength(3);
});

function create(
  simulateFaults: unknown,
  models: ResilientChatModelOptions["models"] = ["a", "b"],
): string {
  const given = { models, apiKey: testKey, simulateFaults } as ResilientChatModelOptions;
  try {
    return new ResilientChatModel(given).models.join();
  } catch (error) {
    if (!InvalidOptionsError.isInstance(error)) throw error;
    return error.message;
  }
}

describe("options", () => {
  it.each([
    [
      [{ kind: "server-eror", rate: 1 }],
      /simulateFaults\[0\]\.kind: .*did you mean "server-error"/,
    ],
    [[{ kind: "slow", rate: 2 }], /simulateFaults\[0\]\.rate: expected .*1/],
    [[{ kind: "slow", rate: 1, delay: 5 }], /simulateFaults\[0\]\.delay: unknown option.*delayMs/],
    [
      [{ kind: "slow", rate: 1, status: 500 }],
      /simulateFaults\[0\]\.status: expected nothing for the kind "slow"/,
    ],
    [[{ kind: "cut", rate: 1, afterShare: 1 }], /simulateFaults\[0\]\.afterShare: /],
    [[{ kind: "server-error", rate: 1, status: 404 }], /simulateFaults\[0\]\.status: /],
    [[], /simulateFaults: /],
    ["slow", /simulateFaults: expected .*got/],
    [
      { faults: [{ kind: "slow", rate: 0.1 }], sead: 1 },
      /simulateFaults\.sead: unknown option; did you mean seed/,
    ],
    [[{ kind: "slow", rate: 1, models: ["c"] }], /models\[0\] of fault 0: expected one of a, b/],
    [
      [
        { kind: "slow", rate: 0.7 },
        { kind: "cut", rate: 0.4, models: ["b"] },
      ],
      /rates that add up to 1 at most, got 1\.1 for b/,
    ],
  ])("%j is refused, and named", (simulateFaults, message) => {
    expect(create(simulateFaults)).toMatch(message);
  });

  it("a model whose requests cannot be seen is refused, unless the faults name others", () => {
    const models = ["a", new FakeListChatModel({ responses: ["hi"] })];
    expect(create([{ kind: "slow", rate: 1 }], models)).toMatch(/no ChatOpenAI/);
    expect(create([{ kind: "slow", rate: 1, models: ["a"] }], models)).not.toMatch(/Invalid/);
  });

  it("production refuses them unless they are forced, which warns", async () => {
    // Warnings are told in the next tick: those of other tests come first.
    await new Promise(setImmediate);
    vi.stubEnv("NODE_ENV", "production");
    const faults = [{ kind: "slow", rate: 1 }];
    expect(create(faults)).toMatch(
      /simulateFaults: expected nothing while NODE_ENV is "production"/,
    );
    expect(create({ faults })).toMatch(/simulateFaults: expected nothing while NODE_ENV/);
    const warned = once(process, "warning");
    expect(create({ faults, force: true })).toBe("a,b");
    expect((await warned)[0]).toMatchObject({ code: "THREADKEEP_SIMULATED_FAULTS" });
  });
});
