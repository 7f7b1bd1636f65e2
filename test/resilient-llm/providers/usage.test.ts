import { calcPrice } from "@pydantic/genai-prices";
import type { AIMessageChunk, UsageMetadata } from "@langchain/core/messages";
import { concat } from "@langchain/core/utils/stream";
import { ChatOpenAI } from "@langchain/openai";
import { expect, it } from "vitest";
import type { ResilienceMetadata, ResilientChatModel } from "@threadkeep/resilient-llm";
import type { FaultServer, Reply } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer, testKey } from "../testing/test-model.ts";
import {
  PRICE_ROWS,
  ROW_PRICING,
  UNMETERED_ROWS,
  USAGE_ROWS,
  type UsageRow,
} from "./usage-rows.ts";

const ANSWER = "It is forty-two.";

/** The fields of an answer or of a stream's last chunk that hold the usage. */
function placeUsage({ place, usage }: UsageRow): object {
  if (usage === null) return {};
  if (place === "in-parts") return { usage: { ...usage, prompt_tokens: 0, total_tokens: null } };
  return place === "x_groq" ? { x_groq: { id: "req_1", usage } } : { usage };
}

function replyWhole(row: UsageRow): Reply {
  const message = { role: "assistant", content: ANSWER };
  const ofChoice = row.place === "choice" ? { usage: row.usage } : {};
  const body = {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "served",
    choices: [{ index: 0, message, finish_reason: "stop", ...ofChoice }],
    ...(row.place === "choice" ? {} : placeUsage(row)),
  };
  return replies.json(200, body, { ...row.headers });
}

function replyStream(row: UsageRow): Reply {
  const frame = (delta: object, finish: string | null, extra: object, ofChoice: object = {}) => ({
    frame: {
      id: "chatcmpl-1",
      object: "chat.completion.chunk",
      created: 1,
      model: "served",
      choices: [{ index: 0, delta, finish_reason: finish, ...ofChoice }],
      ...extra,
    },
  });
  const soFar = { usage: { ...row.usage, completion_tokens: 1 } };
  const isRepeated = row.place === "every-chunk" || row.place === "in-parts";
  const last = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "served" };
  const end =
    row.place === "choice"
      ? [frame({}, "stop", {}, { usage: row.usage })]
      : [frame({}, "stop", {}), { frame: { ...last, choices: [], ...placeUsage(row) } }];
  return replies.withHeaders(
    { ...row.headers },
    replies.stream(frame({ content: ANSWER }, null, isRepeated ? soFar : {}), ...end, {
      done: true,
    }),
  );
}

function createRowModel({ baseURL }: FaultServer, row: UsageRow) {
  return createModel([], {
    models: [{ model: "a", baseURL, pricing: row.pricing ?? ROW_PRICING }],
  }).model;
}

/** USD without the traces of adding up. */
function round(usd: number | null): number | null {
  return usd === null ? null : Number(usd.toFixed(9));
}

/** What is looked at of an answer. Its own type says that it has no usage. */
interface Answered {
  readonly text: string;
  readonly usage_metadata?: UsageMetadata | undefined;
  readonly response_metadata: Readonly<Record<string, unknown>>;
}

/** What is seen of an attempt: in the books, by LangChain's users, and in the answer's own account. */
function observe(model: ResilientChatModel, message: Answered) {
  const costs = model.costs.snapshot();
  const { usage_metadata: usage } = message;
  const { costReported, costUsd, usageEstimated } = message.response_metadata[
    "resilience"
  ] as ResilienceMetadata;
  return {
    text: message.text,
    booked: {
      inputTokens: costs.inputTokens,
      cachedInputTokens: costs.cachedInputTokens,
      cacheWriteInputTokens: costs.cacheWriteInputTokens,
      outputTokens: costs.outputTokens,
      reasoningTokens: costs.reasoningTokens,
    },
    costUsd: round(costs.costUsd),
    reportedCostUsd: round(costs.reportedCostUsd),
    unpricedAttempts: costs.unpricedAttempts,
    estimatedAttempts: costs.estimatedAttempts,
    inMessage: {
      inputTokens: usage?.input_tokens,
      cachedInputTokens: usage?.input_token_details?.cache_read ?? 0,
      cacheWriteInputTokens: usage?.input_token_details?.cache_creation ?? 0,
      outputTokens: usage?.output_tokens,
      reasoningTokens: usage?.output_token_details?.reasoning ?? 0,
    },
    account: { costReported, costUsd: round(costUsd), usageEstimated },
  };
}

function expectRow(model: ResilientChatModel, message: Answered, row: UsageRow): void {
  const { costSource, costUsd } = row;
  const isReported = costSource === "provider";
  const tokens = {
    inputTokens: 1000,
    cachedInputTokens: 0,
    cacheWriteInputTokens: 0,
    outputTokens: 100,
    reasoningTokens: 0,
    ...row.expected,
  };
  expect(observe(model, message)).toEqual({
    text: ANSWER,
    booked: tokens,
    costUsd,
    reportedCostUsd: isReported ? costUsd : 0,
    unpricedAttempts: 0,
    estimatedAttempts: 0,
    inMessage: tokens,
    account: { costReported: isReported, costUsd, usageEstimated: false },
  });
}

function expectUnmetered(model: ResilientChatModel, message: Answered, row: UsageRow): void {
  const seen = observe(model, message);
  expect(seen).toMatchObject({
    text: ANSWER,
    costUsd: 0,
    unpricedAttempts: row.costUsd === null ? 1 : 0,
    estimatedAttempts: 1,
    account: { costReported: false, costUsd: row.costUsd, usageEstimated: true },
  });
  expect(seen.inMessage).toEqual(seen.booked);
  expect(seen.booked.outputTokens).toBeGreaterThan(0);
}

async function joinStream(model: ResilientChatModel): Promise<AIMessageChunk> {
  let joined: AIMessageChunk | undefined;
  for await (const chunk of await model.stream("What is the answer?")) {
    joined = joined === undefined ? chunk : concat(joined, chunk);
  }
  return joined as AIMessageChunk;
}

async function invokeOn(row: UsageRow) {
  const server = await startServer(replyWhole(row));
  const model = createRowModel(server, row);
  return { model, message: await model.invoke("What is the answer?") };
}

async function streamOn(row: UsageRow) {
  const server = await startServer(replyStream(row));
  const model = createRowModel(server, row);
  return { model, message: await joinStream(model) };
}

const name = (row: UsageRow) => [row.provider, row.shape, row] as const;

it.each(USAGE_ROWS.filter(({ only }) => only !== "stream").map(name))(
  "invoke books what %s reports: %s",
  async (_who, _what, row) => {
    const { message, model } = await invokeOn(row);
    expectRow(model, message, row);
  },
);

it.each(USAGE_ROWS.filter(({ only }) => only !== "invoke").map(name))(
  "stream books what %s reports: %s",
  async (_who, _what, row) => {
    const { message, model } = await streamOn(row);
    expectRow(model, message, row);
  },
);

it.each(UNMETERED_ROWS.map(name))(
  "what %s does not count is estimated, and its cost is unknown or nothing: %s",
  async (_who, _what, row) => {
    for (const ask of [invokeOn, streamOn]) {
      const { message, model } = await ask(row);
      expectUnmetered(model, message, row);
    }
  },
);

it.each([
  ["invoke", invokeOn],
  ["stream", streamOn],
] as const)("%s books an estimate and says so where nothing is reported", async (_method, ask) => {
  for (const usage of [null, {}, { prompt_tokens: null }]) {
    const { message, model } = await ask({ provider: "", shape: "", usage, costUsd: 0 });
    const seen = observe(model, message);
    expect(seen).toMatchObject({
      unpricedAttempts: 0,
      estimatedAttempts: 1,
      account: { costReported: false, usageEstimated: true },
    });
    expect(seen.costUsd).toBeGreaterThan(0);
    expect(seen.inMessage).toEqual(seen.booked);
  }
});

it("each attempt tells its listeners who says what it cost", async () => {
  const said = USAGE_ROWS.find(({ costSource }) => costSource === "provider") as UsageRow;
  const priced = USAGE_ROWS[0] as UsageRow;
  const server = await startServer(replyWhole(said), replyWhole(priced));
  const { events, model } = createModel([], {
    models: [{ model: "a", baseURL: server.baseURL, pricing: ROW_PRICING }],
  });
  const sources: unknown[] = [];
  model.costs.subscribe(({ costSource }) => sources.push(costSource));
  await model.invoke("hi");
  await model.invoke("hi");
  expect(sources).toEqual(["provider", "pricing"]);
  const ended = events.filter(({ type }) => type === "attempt-succeeded");
  expect(ended).toMatchObject([{ costSource: "provider" }, { costSource: "pricing" }]);
});

/** Sends what is meant for any address to `server`. */
function routeTo(server: FaultServer): typeof globalThis.fetch {
  return (input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    return fetch(new URL(pathname, server.baseURL), init);
  };
}

it.each(
  PRICE_ROWS.map((row) => [row.model, row.baseUrl ?? "https://llm.example.com/v1", row] as const),
)("a budget in USD takes %s at %s for what it costs", async (model, baseURL, { listed }) => {
  const usage = { prompt_tokens: 1000, completion_tokens: 100, total_tokens: 1100 };
  const server = await startServer(replyWhole({ provider: "", shape: "", usage, costUsd: 0 }));
  const { model: resilient } = createModel([], {
    models: [
      { model, baseURL, apiKey: testKey, fields: { configuration: { fetch: routeTo(server) } } },
    ],
    budget: { maxCostUsd: 1 },
  });
  await resilient.invoke("hi");
  const colon = listed.indexOf(":");
  const expected = calcPrice({ input_tokens: 1000, output_tokens: 100 }, listed.slice(colon + 1), {
    providerId: listed.slice(0, colon),
  });
  if (!expected) throw new Error(`The tables do not know ${listed}`);
  expect(resilient.costs.snapshot().costUsd).toBeCloseTo(expected.total_price, 9);
  expect(server.requests[0]?.model).toBe(model);
});

/** Whole and streamed answers of the Responses API. */
function replyResponses(usage: object): Reply {
  const content = [{ type: "output_text", text: ANSWER, annotations: [] }];
  const status = "completed";
  const output = [{ type: "message", id: "msg_1", role: "assistant", status, content }];
  const base = { id: "resp_1", object: "response", created_at: 1, model: "served", status };
  const response = { ...base, output, usage, error: null };
  const frames = [
    { type: "response.output_text.delta", item_id: "msg_1", output_index: 0, delta: ANSWER },
    { type: "response.completed", response },
  ];
  return (out, request) => {
    if (!request.streaming) return replies.json(200, response)(out, request);
    out.writeHead(200, { "content-type": "text/event-stream" });
    for (const frame of frames) {
      out.write(`event: ${frame.type}\ndata: ${JSON.stringify(frame)}\n\n`);
    }
    out.end();
  };
}

it.each(["invoke", "stream"] as const)(
  "%s books what the Responses API reports, cost and thinking included",
  async (method) => {
    const server = await startServer(
      replyResponses({
        input_tokens: 1000,
        output_tokens: 100,
        total_tokens: 1400,
        input_tokens_details: { cached_tokens: 800 },
        output_tokens_details: { reasoning_tokens: 300 },
        cost_in_usd_ticks: 12_300_000,
      }),
    );
    const inner = new ChatOpenAI({
      model: "grok-4",
      apiKey: testKey,
      useResponsesApi: true,
      configuration: { baseURL: server.baseURL },
    });
    const { model } = createModel([], { models: [{ model: inner, pricing: ROW_PRICING }] });
    const message =
      method === "invoke" ? await model.invoke("What is the answer?") : await joinStream(model);
    expectRow(model, message, {
      provider: "xAI",
      shape: "Responses API",
      usage: null,
      expected: { cachedInputTokens: 800, outputTokens: 400, reasoningTokens: 300 },
      costUsd: 0.001_23,
      costSource: "provider",
    });
  },
);

it("a budget in USD refuses what only looks like a known model", async () => {
  const server = await startServer(replies.answer("done"));
  for (const model of ["gpt-4o-clone", "ft:gpt-4o-mini-2024-07-18:me::1", "openai/mine"]) {
    const { model: resilient } = createModel([], {
      models: [{ model, baseURL: server.baseURL }],
      budget: { maxCostUsd: 1 },
    });
    expect(String(await rejection(resilient.invoke("hi")))).toContain(
      `price of ${model} is not known`,
    );
  }
  expect(server.requests).toHaveLength(0);
});
