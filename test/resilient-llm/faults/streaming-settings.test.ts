import { ChatOpenAI, type ChatOpenAIFields } from "@langchain/openai";
import type { AIMessageChunk } from "@langchain/core/messages";
import { expect, it } from "vitest";
import type { FaultServer, Reply } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { createModel, startServer } from "../testing/test-model.ts";

const tools = [
  {
    type: "function",
    function: { name: "add", description: "Adds", parameters: { type: "object", properties: {} } },
  },
];

/** The same inner model by name and as an object. */
const makers = [
  [
    "by name",
    ({ baseURL }: FaultServer, fields: ChatOpenAIFields) => ({ model: "a", baseURL, fields }),
  ],
  [
    "a ChatOpenAI",
    ({ baseURL }: FaultServer, fields: ChatOpenAIFields) => ({
      model: new ChatOpenAI({ model: "a", apiKey: "none", configuration: { baseURL }, ...fields }),
    }),
  ],
] as const;

async function join(stream: AsyncIterable<AIMessageChunk>): Promise<AIMessageChunk> {
  const chunks = await Array.fromAsync(stream);
  return chunks.reduce((whole, chunk) => whole.concat(chunk));
}

it.each(makers)(
  "streaming: true on the inner model (%s): a whole answer is asked for as a stream",
  async (_, make) => {
    const server = await startServer(replies.answer("Hello there"));
    const { model } = createModel([], { models: [make(server, { streaming: true })] });
    const answer = await model.invoke("hi");
    expect(answer.text).toBe("Hello there");
    expect(answer.usage_metadata).toMatchObject({ input_tokens: 10, output_tokens: 5 });
    expect(answer.response_metadata["finish_reason"] ?? "stop").toBe("stop");
    expect(server.requests[0]?.body).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
    });
    expect((await join(await model.stream("hi"))).text).toBe("Hello there");
  },
);

it.each(makers)(
  "disableStreaming or streaming: false on the inner model (%s): no stream is asked for",
  async (_, make) => {
    const server = await startServer(replies.answer("Hello there"));
    for (const fields of [{ disableStreaming: true }, { streaming: false }]) {
      const { model } = createModel([], { models: [make(server, fields)] });
      expect((await join(await model.stream("hi"))).text).toBe("Hello there");
    }
    expect(server.requests.map(({ streaming }) => streaming)).toEqual([false, false]);
  },
);

it.each(makers)("streamUsage: false on the inner model (%s) is obeyed", async (_, make) => {
  const server = await startServer(replies.answer("Hello there"));
  const { model } = createModel([], {
    models: [make(server, { streamUsage: false, streaming: true })],
  });
  await join(await model.stream("hi"));
  await model.invoke("hi");
  for (const { body } of server.requests) expect(body).not.toHaveProperty("stream_options");
  expect(server.requests).toHaveLength(2);
});

/** As DashScope refuses what is no stream. */
function streamsOnly(streamed: Reply, message: string): Reply {
  const refusal = replies.error(400, {}, { code: "invalid_parameter_error", message });
  return (response, request) => (request.streaming ? streamed : refusal)(response, request);
}

it.each([
  "This model only support stream mode, please enable the stream parameter to access the model.",
  "parameter.enable_thinking must be set to false for non-streaming calls",
])(
  "a model that refuses with %j is answered by streaming, from then on at once",
  async (message) => {
    const server = await startServer(streamsOnly(replies.streamText("Hello there"), message));
    const { model, events } = createModel([server]);
    expect((await model.invoke("hi")).text).toBe("Hello there");
    expect((await model.invoke("hi")).text).toBe("Hello there");
    expect(server.requests.map(({ streaming }) => streaming)).toEqual([false, true, true]);
    expect(events.some((event) => event.type === "attempt-failed")).toBe(false);
  },
);

it("a tool call that was streamed for a whole answer is one", async () => {
  const call = replies.stream(
    { toolCall: { id: "call_1", name: "add", args: '{"a": 1, ' } },
    { toolCall: { args: '"b": 2}' } },
    { finish: "tool_calls" },
    { done: true },
  );
  const server = await startServer(streamsOnly(call, "only support stream mode"));
  const { model } = createModel([server]);
  const answer = await model.bindTools(tools).invoke("1+2?");
  expect(answer.tool_calls).toEqual([
    { type: "tool_call", id: "call_1", name: "add", args: { a: 1, b: 2 } },
  ]);
});

it("a stream for a whole answer that breaks off is no answer", async () => {
  const broken = replies.stream({ text: "Half of" });
  const server = await startServer(
    replies.error(400, {}, { message: "This model only support stream mode" }),
    broken,
    replies.streamText("Whole"),
  );
  const { model, events } = createModel([server]);
  expect((await model.invoke("hi")).text).toBe("Whole");
  expect(events.find((event) => event.type === "attempt-failed")?.failure.kind).toBe("truncated");
});
