import type { AIMessageChunk, UsageMetadata } from "@langchain/core/messages";
import { expect, it } from "vitest";
import { StreamInterruptedError } from "@threadkeep/resilient-llm";
import type { FaultServer } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";

const tools = [
  {
    type: "function",
    function: {
      name: "add",
      description: "Adds",
      parameters: { type: "object", properties: { a: { type: "number" }, b: { type: "number" } } },
    },
  },
];

interface Streamed {
  readonly chunks: AIMessageChunk[];
  /** What a reader sees who prints every chunk as it comes. */
  readonly printed: string;
  readonly joined: AIMessageChunk;
}

async function readStream(stream: AsyncIterable<AIMessageChunk>): Promise<Streamed> {
  const chunks = await Array.fromAsync(stream);
  const printed = chunks.map((chunk) => chunk.text).join("");
  const joined = chunks.reduce((whole, chunk) => whole.concat(chunk));
  return { chunks, printed, joined };
}

/** Every way a stream can break off after its first words. */
const breaks = {
  "reset of the connection": [{ reset: true }],
  "end without finish_reason": [],
  "error frame": [{ frame: { error: { code: 502, message: "upstream died" } } }],
  "event named error": [
    { raw: 'event: error\ndata: {"message": "overloaded"}\n\n' },
    { done: true },
  ],
  'finish_reason "error"': [{ finish: "error" }, { done: true }],
  "malformed event": [{ raw: 'data: {"choices": [{"delta"\n\n' }, { done: true }],
  "stall with keep-alives": [
    ...Array.from(
      { length: 40 },
      () => [{ raw: ": keep-alive\n\n" }, { waitMs: 10 }] as const,
    ).flat(),
    { hang: true },
  ],
  "stall with empty deltas": [
    ...Array.from({ length: 40 }, () => [{ text: "" }, { waitMs: 10 }] as const).flat(),
    { hang: true },
  ],
  "dead silence": [{ hang: true }],
} as const satisfies Record<string, readonly replies.StreamStep[]>;

const timeout = { idleMs: 20_000 };

it.each(Object.entries(breaks))(
  "restart after %s: the consumer is told, the joined answer is whole",
  async (_, steps) => {
    const server = await startServer(
      replies.stream({ text: "The answer " }, { text: "is " }, ...steps),
      replies.streamText("The answer is 42."),
    );
    const { model, events } = createModel([server], { timeout, streamRecovery: "restart" });
    const { chunks, joined } = await readStream(await model.stream("hi"));
    expect(joined.text).toBe("The answer is 42.");
    expect(joined.usage_metadata).toMatchObject({ input_tokens: 10, output_tokens: 5 });
    const restarts = chunks.findIndex(
      (chunk) => (chunk.response_metadata["resilience"] as { restarted?: boolean })?.restarted,
    );
    expect(
      chunks
        .slice(0, restarts)
        .map((chunk) => chunk.text)
        .join(""),
    ).toBe("The answer is ");
    expect(events).toContainEqual(
      expect.objectContaining({ type: "stream-restarted", discardedText: "The answer is " }),
    );
    expect(server.requests).toHaveLength(2);
  },
);

it.each(Object.entries(breaks))(
  "error mode after %s: a typed error that carries the partial answer",
  async (_, steps) => {
    const server = await startServer(
      replies.stream({ text: "The answer " }, { text: "is " }, ...steps),
    );
    const { model } = createModel([server], { timeout, streamRecovery: "error" });
    const seen: string[] = [];
    const error = await rejection(
      (async () => {
        for await (const chunk of await model.stream("hi")) seen.push(chunk.text);
      })(),
    );
    expect(StreamInterruptedError.isInstance(error)).toBe(true);
    expect((error as StreamInterruptedError).partial).toEqual({
      text: "The answer is ",
      hasToolCalls: false,
    });
    expect(seen.join("")).toBe("The answer is ");
    expect(server.requests).toHaveLength(1);
  },
);

/** A model that continues an assistant message at the end of the prompt. */
const prefillable = (server: FaultServer) => ({
  models: [{ model: "first-model", baseURL: server.baseURL, acceptsPrefill: true }],
});

it.each([
  ["says only the rest", "42, as is well known."],
  ["begins with the space that the prefill lacks", " 42, as is well known."],
  ["repeats the prefill", "Well. The answer is 42, as is well known."],
])("after a prefill: no text twice when the model %s", async (_, continuation) => {
  const server = await startServer(
    replies.stream({ text: "Well. The " }, { text: "answer is " }, { reset: true }),
    replies.streamText(continuation),
  );
  const { model } = createModel([], prefillable(server));
  const { printed, joined } = await readStream(await model.stream("hi"));
  expect(printed).toBe("Well. The answer is 42, as is well known.");
  expect(joined.text).toBe(printed);
  const asked = server.requests[1]?.body.messages ?? [];
  // Some providers refuse one that ends in white space.
  expect(asked.at(-1)).toMatchObject({ role: "assistant", content: "Well. The answer is" });
});

it.each([
  ["says only the rest", "42, as is well known."],
  ["answers in other words", "It is forty-two."],
  ["comments first", "Sure! The answer is 42, as is well known."],
  ["says nothing but that it has nothing to add", "(nothing)"],
])(
  "continue mode: a typed error with the partial answer when the model %s",
  async (_, continuation) => {
    const server = await startServer(
      replies.stream({ text: "Well. The " }, { text: "answer is " }, { reset: true }),
      replies.streamText(continuation),
    );
    const { model } = createModel([server]);
    const seen: string[] = [];
    const error = await rejection(
      (async () => {
        for await (const chunk of await model.stream("hi")) seen.push(chunk.text);
      })(),
    );
    expect(StreamInterruptedError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ partial: { text: "Well. The answer is " } });
    expect(String(error)).toContain("first said next does not continue");
    expect(seen.join("")).toBe("Well. The answer is ");
  },
);

it.each([
  ["repeats all of it", "Well. The answer is 42, as is well known."],
  ["repeats the last words", "The answer is 42, as is well known."],
  ["begins a few words earlier", "answer is 42, as is well known."],
])("continue mode: no text twice when the model %s", async (_, continuation) => {
  const server = await startServer(
    replies.stream({ text: "Well. The " }, { text: "answer is " }, { reset: true }),
    replies.streamText(continuation),
  );
  const { model } = createModel([server], { streamRecovery: "continue" });
  const { printed, joined } = await readStream(await model.stream("hi"));
  expect(printed).toBe("Well. The answer is 42, as is well known.");
  expect(joined.text).toBe(printed);
  const asked = server.requests[1]?.body.messages ?? [];
  expect(asked.at(-2)).toMatchObject({ role: "assistant", content: "Well. The answer is " });
});

it("continue mode survives a second break", async () => {
  const server = await startServer(
    replies.stream({ text: "One two three " }, { reset: true }),
    replies.stream({ text: "One two three four five six seven " }, { reset: true }),
    replies.streamText("three four five six seven eight nine ten."),
  );
  const { model } = createModel([server], { streamRecovery: "continue" });
  const { printed } = await readStream(await model.stream("hi"));
  expect(printed).toBe("One two three four five six seven eight nine ten.");
});

const brokenToolCall = replies.stream(
  { toolCall: { id: "call_1", name: "add", args: '{"a": 1' } },
  { reset: true },
);

it("a break inside tool arguments is never handed out as complete nor continued", async () => {
  const server = await startServer(
    brokenToolCall,
    replies.stream(
      { toolCall: { id: "call_2", name: "add", args: '{"a": 1, ' } },
      { toolCall: { args: '"b": 2}' } },
      { finish: "tool_calls" },
      { done: true },
    ),
  );
  const { model } = createModel([server], { streamRecovery: "restart" });
  const { joined } = await readStream(await model.bindTools(tools).stream("1+2?"));
  expect(joined.tool_calls).toEqual([
    { type: "tool_call", id: "call_2", name: "add", args: { a: 1, b: 2 } },
  ]);
  expect(server.requests[1]?.body.messages).toHaveLength(1);
});

it("continue mode: a break inside a tool call that nobody offered is repaired unseen", async () => {
  const call = { id: "call_1", name: "add", args: '{"a": 1' };
  const server = await startServer(
    replies.stream({ toolCall: call }, { reset: true }),
    replies.streamText("It is 3."),
  );
  const { model } = createModel([server]);
  const { joined, printed } = await readStream(await model.stream("1+2?"));
  expect({ printed, calls: joined.tool_calls }).toEqual({ printed: "It is 3.", calls: [] });
});

it("a whole tool call that nobody offered is handed out at the end, after the text before it", async () => {
  const call = { id: "call_1", name: "add", args: "{}" };
  const server = await startServer(
    replies.stream(
      { text: "Let me add. " },
      { toolCall: call },
      { text: "Done." },
      { finish: "tool_calls" },
      { usage: replies.usage },
      { done: true },
    ),
  );
  const { joined } = await readStream(await createModel([server]).model.stream("1+2?"));
  expect(joined).toMatchObject({
    text: "Let me add. Done.",
    tool_calls: [{ id: "call_1", name: "add", args: {} }],
    usage_metadata: { input_tokens: 10, output_tokens: 5 },
  });
});

it("arguments that end broken with a proper finish reason are never completed by a guess", async () => {
  const broken = replies.stream(
    { toolCall: { id: "call_1", name: "add", args: '{"a": 1, "b": 2' } },
    { finish: "tool_calls" },
    { usage: replies.usage },
    { done: true },
  );
  const server = await startServer(broken, replies.streamText("It is 3."));
  const { model } = createModel([server]);
  const error = await rejection(readStream(await model.bindTools(tools).stream("1+2?")));
  expect(StreamInterruptedError.isInstance(error)).toBe(true);
  expect(error).toMatchObject({ failure: { kind: "failed-generation" }, isFinal: false });
  server.play(broken, replies.streamText("It is 3."));
  const restarting = createModel([server], { streamRecovery: "restart" }).model;
  const { joined } = await readStream(await restarting.bindTools(tools).stream("1+2?"));
  expect(joined).toMatchObject({ text: "It is 3.", tool_calls: [] });
});

it("continue mode: a tool call that was handed out in part ends in a typed error", async () => {
  const server = await startServer(brokenToolCall, replies.streamText("unused"));
  const { model } = createModel([server]);
  const error = await rejection(readStream(await model.bindTools(tools).stream("1+2?")));
  expect(StreamInterruptedError.isInstance(error)).toBe(true);
  expect(error).toMatchObject({ partial: { text: "", hasToolCalls: true } });
  expect(server.requests).toHaveLength(1);
});

it("JSON output that breaks off is restarted, not continued", async () => {
  const server = await startServer(
    replies.stream({ text: '{"city": "Par' }, { reset: true }),
    replies.streamText('{"city": "Paris"}'),
  );
  const { model } = createModel([server], { streamRecovery: "continue" });
  const json = model.withConfig({ response_format: { type: "json_object" } });
  const { joined } = await readStream(await json.stream("hi"));
  expect(joined.text).toBe('{"city": "Paris"}');
  expect(server.requests[1]?.body.messages).toHaveLength(1);
});

it("JSON output that begins otherwise the second time ends in a typed error", async () => {
  const server = await startServer(
    replies.stream({ text: '{"city": "Par' }, { reset: true }),
    replies.streamText('{"town": "Paris"}'),
  );
  const { model } = createModel([server]);
  const json = model.withConfig({ response_format: { type: "json_object" } });
  const error = await rejection(readStream(await json.stream("hi")));
  expect(StreamInterruptedError.isInstance(error)).toBe(true);
  expect(error).toMatchObject({ partial: { text: '{"city": "Par' } });
});

it("a break before the first content is repaired unseen", async () => {
  const server = await startServer(
    replies.resetAtOnce,
    replies.stream({ text: "" }, { reset: true }),
    replies.streamText("whole"),
  );
  const { model } = createModel([server], { streamRecovery: "error" });
  const { printed, chunks } = await readStream(await model.stream("hi"));
  expect(printed).toBe("whole");
  expect(JSON.stringify(chunks)).not.toContain("restarted");
});

it("a slow but steady stream never times out", async () => {
  const steps = Array.from({ length: 30 }, (_, index) => [
    { text: `w${index} ` },
    { waitMs: 10 },
  ]).flat() as replies.StreamStep[];
  const server = await startServer(replies.stream(...steps, { finish: "stop" }, { done: true }));
  // On the model's clock a word comes every second and the whole takes 30.
  const { model } = createModel([server], { timeout: { idleMs: 25_000 } });
  const { printed } = await readStream(await model.stream("hi"));
  expect(printed.trim().split(" ")).toHaveLength(30);
  expect(server.requests).toHaveLength(1);
});

it("a slow consumer does not run into a time limit", async () => {
  const server = await startServer(replies.streamText("a b c d"));
  const { model } = createModel([server], { timeout: { idleMs: 8000, totalMs: 30_000 } });
  let text = "";
  for await (const chunk of await model.stream("hi")) {
    text += chunk.text;
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
  expect(text).toBe("a b c d");
  expect(server.requests).toHaveLength(1);
});

it("a connection that breaks after finish_reason does no harm", async () => {
  const server = await startServer(
    replies.stream({ text: "complete" }, { finish: "stop" }, { reset: true }),
  );
  const { model } = createModel([server]);
  expect((await readStream(await model.stream("hi"))).printed).toBe("complete");
  expect(server.requests).toHaveLength(1);
});

it("usage repeated in every chunk is counted once", async () => {
  const frame = (content: string, finish: string | null) => ({
    frame: {
      id: "x",
      model: "served",
      choices: [{ index: 0, delta: { content }, finish_reason: finish }],
      usage: replies.usage,
    },
  });
  const server = await startServer(
    replies.stream(frame("a ", null), frame("b", null), frame("", "stop"), { done: true }),
  );
  const { model } = createModel([server]);
  const { joined } = await readStream(await model.stream("hi"));
  expect(joined.usage_metadata).toMatchObject({
    input_tokens: 10,
    output_tokens: 5,
    total_tokens: 15,
  });
  expect(model.costs.snapshot()).toMatchObject({ inputTokens: 10, outputTokens: 5 });
});

it("missing usage is estimated and marked as estimated", async () => {
  const server = await startServer(
    replies.stream({ text: "Quite a few words here" }, { finish: "stop" }, { done: true }),
  );
  const { model } = createModel([server]);
  const { joined } = await readStream(await model.stream("Some question or other"));
  const usage = joined.usage_metadata as UsageMetadata | undefined;
  expect(usage?.output_tokens).toBeGreaterThan(2);
  expect(usage?.input_tokens).toBeGreaterThan(2);
  expect(joined.response_metadata["resilience"]).toMatchObject({ usageEstimated: true });
  expect(model.costs.snapshot().estimatedAttempts).toBe(1);
});

it("a whole answer in place of a stream is refused, and an error in it is classified", async () => {
  const server = await startServer(
    replies.json(200, { error: { code: "rate_limit_exceeded", message: "slow down" } }),
    replies.streamText("done"),
  );
  const { model, events } = createModel([server]);
  expect((await readStream(await model.stream("hi"))).printed).toBe("done");
  expect(events.find((event) => event.type === "attempt-failed")?.failure.kind).toBe(
    "rate-limited",
  );
});

it("content-block events of a restarted stream describe the new answer only", async () => {
  const server = await startServer(
    replies.stream({ text: "Wrong " }, { text: "half" }, { reset: true }),
    replies.streamText("Right answer"),
  );
  const { model } = createModel([server], { streamRecovery: "restart" });
  const message = await model.streamEvents("hi");
  expect(message.text).toBe("Right answer");
});

it("every attempt that produced tokens is booked, broken ones as estimated", async () => {
  const server = await startServer(
    replies.stream({ text: "some words that cost" }, { reset: true }),
    replies.streamText("whole"),
  );
  const { model } = createModel([server], { streamRecovery: "restart" });
  await readStream(await model.stream("hi"));
  const snapshot = model.costs.snapshot();
  expect(snapshot).toMatchObject({ calls: 1, attempts: 2, estimatedAttempts: 1 });
  expect(snapshot.outputTokens).toBeGreaterThan(5);
});

it.each([
  ["tool arguments", { tool_calls: [{ index: 0, id: "c", function: { name: "add" } }] }],
  ["reasoning", {}],
])("%s that broke off are paid for as estimated", async (kind, opening) => {
  const words = "some words that cost ".repeat(10);
  const delta =
    kind === "reasoning"
      ? { reasoning_content: words }
      : { tool_calls: [{ index: 0, function: { arguments: JSON.stringify({ words }) } }] };
  const frames = [opening, delta].map((part) => ({
    frame: { id: "x", model: "served", choices: [{ index: 0, delta: part, finish_reason: null }] },
  }));
  const server = await startServer(
    replies.stream(...frames, { reset: true }),
    replies.streamText("whole"),
  );
  const { model } = createModel([server], { streamRecovery: "restart" });
  await readStream(await model.stream("hi"));
  expect(model.costs.snapshot()).toMatchObject({ attempts: 2, estimatedAttempts: 1 });
  expect(model.costs.snapshot().outputTokens).toBeGreaterThan(40);
});

it("both of two answers in one stream must be complete", async () => {
  const choice = (index: number, content: string, finish: string | null) => ({
    frame: {
      id: "x",
      model: "served",
      choices: [{ index, delta: { content }, finish_reason: finish }],
    },
  });
  const begun = [choice(0, "one", null), choice(1, "two", null), choice(0, "", "stop")];
  const server = await startServer(
    replies.stream(...begun, { done: true }),
    replies.stream(...begun, choice(1, "", "stop"), { done: true }),
  );
  const { model, events } = createModel([server]);
  await readStream(await model.stream("hi"));
  expect(events.find((event) => event.type === "attempt-failed")?.failure.kind).toBe("truncated");
  expect(server.requests).toHaveLength(2);
});

it("a character that arrives in two pieces stays whole when an error follows it", async () => {
  const server = await startServer(async (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const choices = [{ index: 0, delta: { content: "The café " }, finish_reason: null }];
    const frames = [{ id: "x", model: "served", choices }, { error: { code: 502 } }];
    const bytes = Buffer.from(frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join(""));
    const middle = bytes.indexOf("é") + 1;
    response.write(bytes.subarray(0, middle));
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
    response.end(bytes.subarray(middle));
  }, replies.streamText("The café is open."));
  const { model } = createModel([server], { streamRecovery: "continue" });
  const { printed } = await readStream(await model.stream("hi"));
  expect(printed).toBe("The café is open.");
});

it.each(["restart", "continue"] as const)(
  "when no attempt completes the answer the error carries what was handed out (%s)",
  async (streamRecovery) => {
    const server = await startServer(
      replies.stream({ text: "half an answer " }, { reset: true }),
      replies.error(500),
    );
    const { model } = createModel([server], { streamRecovery, retry: { maxRetries: 1 } });
    const error = await rejection(readStream(await model.stream("hi")));
    expect(error).toMatchObject({ partial: { text: "half an answer ", hasToolCalls: false } });
  },
);

it("restart mode restarts an answer that broke off in a tool call, with or without text before it", async () => {
  const call = { id: "call_1", name: "add", args: '{"a": 1' };
  const server = await startServer(
    replies.stream({ text: "Let me add. " }, { toolCall: call }, { reset: true }),
    replies.streamText("It is 3."),
  );
  const { model } = createModel([server], { streamRecovery: "restart" });
  const { joined } = await readStream(await model.bindTools(tools).stream("1+2?"));
  expect(joined).toMatchObject({ text: "It is 3.", tool_calls: [], invalid_tool_calls: [] });
  expect(server.requests[1]?.body.messages).toHaveLength(1);
});
