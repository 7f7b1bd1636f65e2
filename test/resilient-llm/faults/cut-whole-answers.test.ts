import { ChatOpenAI } from "@langchain/openai";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  type ModelCallError,
  type ResilientChatModelOptions,
  StreamInterruptedError,
} from "@threadkeep/resilient-llm";
import {
  breakOffOnce,
  inPieces,
  type Manner,
  manners,
  streamPieces,
} from "../testing/continuing-server.ts";
import type { FaultServer, Reply } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer, testKey } from "../testing/test-model.ts";

const WHOLE =
  "The sky is blue because the molecules of the air scatter short waves more than long ones, and the" +
  " light of the sun holds all of them.";
/** An invoke is asked for as a stream, as it is by default where an answer may take long. */
const timeout = { adaptive: true, adaptiveFloorMs: 60_000, idleMs: 60_000 };

function create(
  servers: readonly FaultServer[],
  options: Partial<ResilientChatModelOptions> = {},
): ReturnType<typeof createModel> {
  return createModel(servers, { timeout, ...options });
}

const JOINABLE: ReadonlySet<Manner> = new Set([
  "repeats the last words as asked",
  "begins from the start",
  "begins a few words late",
]);
const CUTS = [3, 10, 20, 30, 40];

describe.each(Object.keys(manners) as Manner[])("a model that %s", (manner) => {
  it.each(CUTS)(
    "invoke that was cut after %d pieces equals the undisturbed answer",
    async (pieces) => {
      const server = await startServer();
      server.playScript(breakOffOnce(WHOLE, pieces, manner));
      const { model } = create([server]);
      const answer = await model.invoke("Why?");
      expect({ text: answer.text, content: answer.content }).toEqual({
        text: WHOLE,
        content: WHOLE,
      });
      expect(answer.response_metadata["resilience"]).toMatchObject({ candidate: "first" });
      // What cannot be joined has not been seen by anybody: all of it is asked for once more.
      expect(server.requests).toHaveLength(JOINABLE.has(manner) ? 2 : 3);
    },
  );
});

it("the next attempt is shown the part that had come, and both are paid for", async () => {
  const server = await startServer();
  server.playScript(breakOffOnce(WHOLE, 20, "repeats the last words as asked"));
  const { events, model } = create([server]);
  await model.invoke("Why?");
  const [first, second] = server.requests.map(({ body }) => body.messages);
  expect(second?.slice(0, -2)).toEqual(first);
  expect(second?.at(-2)).toMatchObject({ role: "assistant", content: WHOLE.slice(0, 60) });
  expect(events).toContainEqual(
    expect.objectContaining({ type: "stream-continued", keptText: WHOLE.slice(0, 60) }),
  );
  const failed = events.find((event) => event.type === "attempt-failed");
  expect(failed?.usage).toMatchObject({ estimated: true });
  expect(failed?.usage.outputTokens).toBeGreaterThan(5);
  expect(failed?.costUsd).toBeGreaterThan(0);
});

it("an invoke that is cut twice continues both parts, also at the next model", async () => {
  const cutAfter = (text: string): Reply => replies.stream(...inPieces(text));
  const first = await startServer(cutAfter(WHOLE.slice(0, 48)));
  const second = await startServer(cutAfter(WHOLE.slice(0, 90)));
  const { model } = create([first, second], { retry: { maxRetries: 0 } });
  const error = (await rejection(model.invoke("Why?"))) as ModelCallError;
  expect(error.partial).toEqual({ text: WHOLE.slice(0, 90), hasToolCalls: false });
  second.play(streamPieces(WHOLE));
  expect((await model.invoke("Why?")).text).toBe(WHOLE);
});

it("a prefill is continued without a request to do so, also if the end is all that is left", async () => {
  const server = await startServer();
  server.playScript(({ body }) => {
    const last = body.messages.at(-1);
    if (last?.role !== "assistant") return replies.stream(...inPieces(WHOLE.slice(0, 60)));
    return streamPieces(WHOLE.slice(String(last.content).length));
  });
  const { model } = create([], {
    models: [{ model: "m", baseURL: server.baseURL, acceptsPrefill: true }],
  });
  expect((await model.invoke("Why?")).text).toBe(WHOLE);
  expect(server.requests).toHaveLength(2);
});

it.each([
  ["a closed connection", []],
  ["a reset", [{ reset: true }]],
  ["silence", [{ hang: true }]],
  ["an error frame", [{ frame: { error: { code: 502, message: "died" } } }]],
] as const)("after %s, the error carries the part that had come", async (_, ending) => {
  const server = await startServer(replies.stream(...inPieces("Half an answer"), ...ending));
  const { model } = create([server], {
    retry: { maxRetries: 0 },
    timeout: { ...timeout, idleMs: 20_000 },
  });
  const error = await rejection(model.invoke("Why?"));
  expect(error).toMatchObject({ partial: { text: "Half an answer", hasToolCalls: false } });
});

it("where every attempt is cut, the error is a StreamInterruptedError with the part", async () => {
  const server = await startServer(replies.stream(...inPieces("Half an answer")));
  const { model } = create([server], { retry: { maxRetries: 2 } });
  const error = await rejection(model.invoke("Why?"));
  expect(StreamInterruptedError.isInstance(error)).toBe(true);
  expect(error).toMatchObject({ partial: { text: "Half an answer" } });
});

describe("asked for again", () => {
  const tool = { type: "function", function: { name: "add", parameters: { type: "object" } } };
  const call = { id: "call_1", name: "add", args: '{"a": 1' };

  async function expectAnew(
    first: Reply,
    second: Reply,
    ask: (model: ReturnType<typeof createModel>["model"]) => Promise<unknown>,
    options: Partial<ResilientChatModelOptions> = {},
  ): Promise<unknown> {
    const server = await startServer(first, second);
    const { model } = create([server], options);
    const answer = await ask(model);
    const [before, after] = server.requests.map(({ body }) => body.messages);
    expect(server.requests).toHaveLength(2);
    expect(after).toEqual(before);
    return answer;
  }

  it.each(["restart", "error"] as const)("streamRecovery %s", async (streamRecovery) => {
    const broken = replies.stream(...inPieces(WHOLE.slice(0, 60)));
    const text = await expectAnew(
      broken,
      streamPieces(WHOLE),
      async (model) => (await model.invoke("Why?")).text,
      { streamRecovery },
    );
    expect(text).toBe(WHOLE);
  });

  it("an answer that was cut in a tool call", async () => {
    const broken = replies.stream({ text: "Let me add. " }, { toolCall: call });
    const text = await expectAnew(
      broken,
      streamPieces("It is 3."),
      async (model) => (await model.bindTools([tool]).invoke("1+2?")).text,
    );
    expect(text).toBe("It is 3.");
  });

  it("structured output and JSON", async () => {
    const json = JSON.stringify({ city: "Ulm on the Danube" });
    const broken = replies.stream(...inPieces(json.slice(0, 12)));
    const schema = z.object({ city: z.string() });
    expect(
      await expectAnew(broken, streamPieces(json), (model) =>
        model.withStructuredOutput(schema, { method: "jsonMode" }).invoke("Where?"),
      ),
    ).toEqual({ city: "Ulm on the Danube" });
    const text = await expectAnew(broken, streamPieces(json), async (model) => {
      const asked = model.withConfig({ response_format: { type: "json_object" } });
      return (await asked.invoke("Where?")).text;
    });
    expect(text).toBe(json);
  });
});

it("a tool call after a text that was continued is handed out with it", async () => {
  const tool = { type: "function", function: { name: "add", parameters: { type: "object" } } };
  const lead = "Let me add these two numbers with the tool for it. ";
  const end = [{ finish: "tool_calls" }, { usage: replies.usage }, { done: true }] as const;
  const server = await startServer(
    replies.stream(...inPieces(lead.slice(0, 45))),
    replies.stream(
      ...inPieces(lead),
      { toolCall: { id: "call_1", name: "add", args: '{"a": 1}' } },
      ...end,
    ),
  );
  const { model } = create([server]);
  const answer = await model.bindTools([tool]).invoke("1+2?");
  expect(answer.text).toBe(lead);
  expect(answer.tool_calls).toMatchObject([{ name: "add", args: { a: 1 } }]);
  expect(server.requests).toHaveLength(2);
});

it("the Responses API: what had come is kept and continued, in one block", async () => {
  const base = { id: "resp_1", object: "response", created_at: 1, model: "served", error: null };
  const send =
    (frames: readonly Record<string, unknown>[]): Reply =>
    (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (const frame of frames) response.write(`data: ${JSON.stringify(frame)}\n\n`);
      response.end();
    };
  const delta = (text: string) => ({
    type: "response.output_text.delta",
    output_index: 0,
    content_index: 0,
    delta: text,
  });
  const content = [{ type: "output_text", text: WHOLE, annotations: [] }];
  const message = { type: "message", id: "msg_1", role: "assistant", status: "completed", content };
  const response = { ...base, status: "completed", output: [message] };
  const server = await startServer(
    send([delta(WHOLE.slice(0, 60))]),
    send([delta(WHOLE), { type: "response.completed", response }]),
  );
  const inner = new ChatOpenAI({
    model: "gpt-4.1",
    apiKey: testKey,
    useResponsesApi: true,
    configuration: { baseURL: server.baseURL },
  });
  const { model } = create([], { models: [inner] });
  const answer = await model.invoke("Why?");
  expect(answer.text).toBe(WHOLE);
  expect(answer.content).toMatchObject([{ type: "text", text: WHOLE }]);
  expect(server.requests).toHaveLength(2);
});
