import type { AIMessage, AIMessageChunk } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { expect, it } from "vitest";
import { ContentFilterError } from "@threadkeep/resilient-llm";
import type { FaultServer, Reply } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer, testKey } from "../testing/test-model.ts";

const reported = {
  input_tokens: 10,
  output_tokens: 5,
  total_tokens: 15,
  input_tokens_details: { cached_tokens: 4 },
  output_tokens_details: { reasoning_tokens: 2 },
};

function describeResponse(status: string, text: string, extra: object = {}) {
  const content = [{ type: "output_text", text, annotations: [] }];
  const message = { type: "message", id: "msg_1", role: "assistant", status, content };
  const base = { id: "resp_1", object: "response", created_at: 1, model: "served", status };
  return { ...base, output: [message], usage: reported, error: null, ...extra };
}

const whole = (text: string): Reply => replies.json(200, describeResponse("completed", text));

/** Typed events as the Responses API streams them. */
function events(
  ...frames: readonly { readonly type: string; readonly [key: string]: unknown }[]
): Reply {
  return (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const frame of frames) {
      response.write(`event: ${frame.type}\ndata: ${JSON.stringify(frame)}\n\n`);
    }
    response.end();
  };
}

const created = { type: "response.created", response: describeResponse("in_progress", "") };
const delta = (text: string) => ({
  type: "response.output_text.delta",
  item_id: "msg_1",
  output_index: 0,
  content_index: 0,
  delta: text,
});
const completed = (text: string) => ({
  type: "response.completed",
  response: describeResponse("completed", text),
});
const streamed = (...words: readonly string[]): Reply =>
  events(created, ...words.map((word) => delta(word)), completed(words.join("")));

function createResponsesModel({ baseURL }: FaultServer) {
  const inner = new ChatOpenAI({
    model: "gpt-4.1",
    apiKey: testKey,
    useResponsesApi: true,
    configuration: { baseURL },
  });
  return createModel([], { models: [inner], retry: { maxRetries: 1 } });
}

const limited = { incomplete_details: { reason: "max_output_tokens" } };
const filtered = { incomplete_details: { reason: "content_filter" } };
const incomplete = (details: object) => ({
  type: "response.incomplete",
  response: describeResponse("incomplete", "half", details),
});

async function join(stream: AsyncIterable<AIMessageChunk>): Promise<AIMessageChunk | undefined> {
  let joined: AIMessageChunk | undefined;
  for await (const chunk of stream) joined = joined?.concat(chunk) ?? chunk;
  return joined;
}

async function read(
  server: FaultServer,
): Promise<{ readonly text: string; readonly types: string[] }> {
  const { model, events: seen } = createResponsesModel(server);
  const joined = await join(await model.stream("hi"));
  return { text: joined?.text ?? "", types: seen.map((event) => event.type) };
}

it("a whole answer comes through with its usage, and its requests are ours to retry", async () => {
  const server = await startServer(replies.error(503), whole("hello there"));
  const { model } = createResponsesModel(server);
  const answer = await model.invoke("hi");
  expect(answer.text).toBe("hello there");
  expect(answer.usage_metadata).toMatchObject({ input_tokens: 10, output_tokens: 5 });
  expect(server.requests).toHaveLength(2);
  expect(model.costs.snapshot()).toMatchObject({ attempts: 2, estimatedAttempts: 0 });
});

it("a streamed answer comes through", async () => {
  const { text } = await read(await startServer(streamed("hello ", "there")));
  expect(text).toBe("hello there");
});

it.each([
  ["cut before response.completed", events(created, delta("hel"))],
  [
    "with response.failed",
    events(created, delta("hel"), {
      type: "response.failed",
      response: describeResponse("failed", "hel", {
        error: { code: "server_error", message: "down" },
      }),
    }),
  ],
  [
    "with an error event",
    events(created, delta("hel"), {
      type: "error",
      code: "server_error",
      message: "down",
      param: null,
    }),
  ],
])("a stream %s is never taken for an answer", async (_, broken) => {
  const server = await startServer(broken, streamed("hello ", "there"));
  const { text, types } = await read(server);
  expect(text).toBe("hello there");
  expect(types).toContain("attempt-failed");
});

it("a whole answer with status failed is never taken for an answer", async () => {
  const failed = replies.json(
    200,
    describeResponse("failed", "", {
      error: { code: "server_error", message: "down" },
    }),
  );
  const server = await startServer(failed);
  expect(String(await rejection(createResponsesModel(server).model.invoke("hi")))).toContain(
    "down",
  );
  expect(server.requests).toHaveLength(2);
});

it.each([
  ["invoke", replies.json(200, describeResponse("incomplete", "half", limited))],
  ["stream", events(created, delta("half"), incomplete(limited))],
])("%s: an answer that ended at max_output_tokens is returned, and flagged", async (way, reply) => {
  const { model } = createResponsesModel(await startServer(reply));
  const answer = way === "invoke" ? await model.invoke("hi") : await join(await model.stream("hi"));
  expect(answer?.text).toBe("half");
  expect(answer?.response_metadata["resilience"]).toMatchObject({ cutAtLimit: true });
});

it.each([
  ["invoke", replies.json(200, describeResponse("incomplete", "", filtered))],
  ["stream", events(created, incomplete(filtered))],
])("%s: a content filter is a typed error", async (way, reply) => {
  const { model } = createResponsesModel(await startServer(reply));
  const call = way === "invoke" ? model.invoke("hi") : model.stream("hi").then(join);
  expect(ContentFilterError.isInstance(await rejection(call))).toBe(true);
});

const searchCall = {
  type: "function_call",
  id: "fc_1",
  call_id: "call_1",
  name: "search",
  arguments: '{"q":"sky"}',
  status: "completed",
};
const thoughts = {
  type: "reasoning",
  id: "rs_1",
  summary: [{ type: "summary_text", text: "Rayleigh scattering" }],
};
const refused = {
  type: "message",
  id: "msg_1",
  role: "assistant",
  status: "completed",
  content: [{ type: "refusal", refusal: "I will not say." }],
};
const cited = {
  type: "message",
  id: "msg_1",
  role: "assistant",
  status: "completed",
  content: [
    {
      type: "output_text",
      text: "It scatters.",
      annotations: [
        {
          type: "url_citation",
          url: "https://example.com",
          title: "Sky",
          start_index: 0,
          end_index: 2,
        },
      ],
    },
  ],
};
const [said] = describeResponse("completed", "hello there").output;

/** Whole answers, as a server sends them that does not stream. */
const wholes: readonly (readonly [string, object])[] = [
  ["a text", describeResponse("completed", "hello there")],
  ["a text with a source", describeResponse("completed", "", { output: [cited] })],
  ["a text that ended at its limit", describeResponse("incomplete", "half", limited)],
  ["a tool call", describeResponse("completed", "", { output: [searchCall] })],
  [
    "thoughts, a text and a tool call",
    describeResponse("completed", "", { output: [thoughts, said, searchCall] }),
  ],
  ["a refusal", describeResponse("completed", "", { output: [refused] })],
];

it.each(wholes)(
  "%s in one piece in answer to a stream request is what invoke makes of it",
  async (_, body) => {
    const server = await startServer(replies.json(200, body));
    const { events: seen, model } = createResponsesModel(server);
    const invoked = await model.invoke("hi");
    const chunks = await Array.fromAsync(await model.stream("hi"));
    const joined = chunks.reduce((before, chunk) => before.concat(chunk));
    const show = (answer: AIMessage) => ({
      text: answer.text,
      calls: answer.tool_calls?.map(({ args, id, name }) => ({ args, id, name })),
      broken: answer.invalid_tool_calls,
      refusal: answer.additional_kwargs["refusal"],
      usage: answer.usage_metadata,
      cutAtLimit: (answer.response_metadata["resilience"] as { cutAtLimit: boolean }).cutAtLimit,
      blocks: answer.contentBlocks.map((block) => block.type),
    });
    expect(show(joined)).toEqual(show(invoked));
    expect(seen.some(({ type }) => type === "attempt-failed")).toBe(false);
    expect(server.requests.map(({ streaming }) => streaming)).toEqual([false, true]);
  },
);

it("a whole answer that failed, or broke off, is no answer to a stream request either", async () => {
  const error = { code: "server_error", message: "down" };
  const failed = replies.json(200, describeResponse("failed", "", { error }));
  const cut: Reply = (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(describeResponse("completed", "hello there")).slice(0, -20));
  };
  for (const broken of [failed, cut]) {
    const { text, types } = await read(await startServer(broken, streamed("hello ", "there")));
    expect(text).toBe("hello there");
    expect(types).toContain("attempt-failed");
  }
});
