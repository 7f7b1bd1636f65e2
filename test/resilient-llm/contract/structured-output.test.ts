import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ContentFilterError, StructuredOutputError } from "@threadkeep/resilient-llm";
import type { Reply } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";

const person = z.object({ name: z.string(), age: z.number() });
const ada = { name: "Ada", age: 36 };

type Method = "functionCalling" | "jsonMode" | "jsonSchema";

/** An answer whose content is `text` by this method. */
function answerBy(method: Method, text: string, tool = "extract"): Reply {
  return method === "functionCalling"
    ? replies.completion(null, { toolCalls: [{ name: tool, args: text }] })
    : replies.completion(text);
}

const prose = replies.completion("Ada Lovelace was 36 years old.");
const wrongType = JSON.stringify({ ...ada, age: "thirty-six" });
const brokenOff = '{"name": "Ada", "age":';

/** Answers that cannot be used, and what the next attempt is told about them. */
const broken: readonly (readonly [Method, string, Reply, RegExp])[] = [
  ["functionCalling", "prose", prose, /does not call the tool/],
  ["functionCalling", "another tool", answerBy("functionCalling", "{}", "search"), /tool/],
  ["functionCalling", "a wrong type", answerBy("functionCalling", wrongType), /age/],
  ["functionCalling", "broken arguments", answerBy("functionCalling", brokenOff), /./],
  ["jsonMode", "prose", prose, /./],
  ["jsonMode", "a wrong type", answerBy("jsonMode", wrongType), /age/],
  ["jsonMode", "broken JSON", answerBy("jsonMode", brokenOff), /./],
  ["jsonSchema", "prose", prose, /./],
  ["jsonSchema", "a wrong type", answerBy("jsonSchema", wrongType), /age/],
  ["jsonSchema", "broken JSON", answerBy("jsonSchema", brokenOff), /./],
];

const schemas = [
  ["zod", person],
  ["JSON schema", z.toJSONSchema(person)],
] as const;

describe.each(schemas)("structured output by %s", (_kind, schema) => {
  it.each(broken)(
    "%s: after %s the model is told what was wrong and asked again",
    async (method, _what, reply, problem) => {
      const server = await startServer(reply, answerBy(method, JSON.stringify(ada)));
      const { model } = createModel([server]);
      const structured = model.withStructuredOutput(schema, { method });
      expect(await structured.invoke("Who was Ada?")).toEqual(ada);
      const [first, second] = server.requests.map(({ body }) => body.messages);
      expect(second?.slice(0, -2)).toEqual(first);
      expect(second?.at(-2)?.role).toBe("assistant");
      expect(second?.at(-1)).toMatchObject({ role: "user" });
      expect(String(second?.at(-1)?.content)).toMatch(problem);
      expect(model.costs.snapshot()).toMatchObject({ calls: 1, attempts: 2, inputTokens: 20 });
    },
  );

  it.each(broken)(
    "%s: always %s ends with a typed error",
    async (method, _what, reply, problem) => {
      const server = await startServer(reply);
      const { model } = createModel([server], { retry: { maxRetries: 1 } });
      const structured = model.withStructuredOutput(schema, { method });
      const error = await rejection(structured.invoke("Who was Ada?"));
      expect(StructuredOutputError.isInstance(error)).toBe(true);
      expect(error).toMatchObject({
        code: "STRUCTURED_OUTPUT_FAILED",
        attempts: [{ kind: "failed-generation" }, { kind: "failed-generation" }],
      });
      expect((error as StructuredOutputError).problem).toMatch(problem);
    },
  );
});

it("after its retries, the next model is asked", async () => {
  const first = await startServer(prose);
  const second = await startServer(answerBy("functionCalling", JSON.stringify(ada)));
  const { events, model } = createModel([first, second], { retry: { maxRetries: 1 } });
  expect(await model.withStructuredOutput(person).invoke("Who was Ada?")).toEqual(ada);
  expect(first.requests).toHaveLength(2);
  expect(events.map(({ type }) => type)).toContain("fallback");
  // The draw was bad, not the endpoint: the next call begins with the first model again.
  first.play(answerBy("functionCalling", JSON.stringify(ada)));
  await model.withStructuredOutput(person).invoke("Who was Ada?");
  expect(second.requests).toHaveLength(1);
});

it("with includeRaw, the last answer is returned as it is", async () => {
  const server = await startServer(prose);
  const { model } = createModel([server], { retry: { maxRetries: 1 } });
  const structured = model.withStructuredOutput(person, { includeRaw: true });
  const { parsed, raw } = await structured.invoke("Who was Ada?");
  expect(parsed ?? null).toBeNull();
  expect(raw.text).toContain("Lovelace");
  expect(server.requests).toHaveLength(2);
});

it("an answer without a shape is not checked", async () => {
  const server = await startServer(prose);
  const { model } = createModel([server]);
  expect((await model.invoke("Who was Ada?")).text).toContain("Lovelace");
  expect(server.requests).toHaveLength(1);
});

it("an outage in the middle of repairs is told as what it is", async () => {
  const server = await startServer(prose, replies.error(500));
  const { model } = createModel([server], { retry: { maxRetries: 1 } });
  const error = await rejection(model.withStructuredOutput(person).invoke("Who was Ada?"));
  expect(error).toMatchObject({ code: "SERVER_ERROR" });
});

/** The same answer, streamed in pieces. */
function streamBy(method: Method, text: string, tool = "extract"): Reply {
  const pieces = text.match(/[^]{1,5}/g) ?? [];
  const steps =
    method === "functionCalling"
      ? [
          { toolCall: { id: "call_1", name: tool, args: "" } },
          ...pieces.map((args) => ({ toolCall: { args } })),
          { finish: "tool_calls" },
        ]
      : [...pieces.map((piece) => ({ text: piece })), { finish: "stop" }];
  return replies.stream(...steps, { usage: replies.usage }, { done: true });
}

const streamedProse = replies.streamText("Ada Lovelace was 36 years old.");
const JSON_OF_ADA = JSON.stringify(ada);

const brokenStreams: readonly (readonly [Method, string, Reply])[] = [
  ["functionCalling", "prose", streamedProse],
  ["functionCalling", "another tool", streamBy("functionCalling", "{}", "search")],
  ["functionCalling", "a wrong type", streamBy("functionCalling", wrongType)],
  ["functionCalling", "broken arguments", streamBy("functionCalling", brokenOff)],
  ["jsonMode", "prose", streamedProse],
  ["jsonMode", "a wrong type", streamBy("jsonMode", wrongType)],
  ["jsonMode", "broken JSON", streamBy("jsonMode", brokenOff)],
  ["jsonSchema", "prose", streamedProse],
  ["jsonSchema", "a wrong type", streamBy("jsonSchema", wrongType)],
  ["jsonSchema", "broken JSON", streamBy("jsonSchema", brokenOff)],
];

describe.each(schemas)("a stream of structured output by %s", (_kind, schema) => {
  const readAll = async (
    model: ReturnType<typeof createModel>["model"],
    method: Method,
  ): Promise<unknown[]> =>
    Array.fromAsync(await model.withStructuredOutput(schema, { method }).stream("Who was Ada?"));

  it.each(brokenStreams)(
    "%s: after %s the model is told what was wrong, and the last value is the right one",
    async (method, _what, reply) => {
      const server = await startServer(reply, streamBy(method, JSON_OF_ADA));
      const { events, model } = createModel([server]);
      expect((await readAll(model, method)).at(-1)).toEqual(ada);
      const [first, second] = server.requests.map(({ body }) => body.messages);
      expect(second?.slice(0, -2)).toEqual(first);
      expect(String(second?.at(-1)?.content)).toContain("cannot be used");
      expect(events.map(({ type }) => type)).toContain("attempt-failed");
      expect(model.costs.snapshot()).toMatchObject({ calls: 1, attempts: 2, inputTokens: 20 });
    },
  );

  it.each(brokenStreams)("%s: always %s ends with a typed error", async (method, _what, reply) => {
    const server = await startServer(reply);
    const { model } = createModel([server], { retry: { maxRetries: 1 } });
    const error = await rejection(readAll(model, method));
    expect(StructuredOutputError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({
      attempts: [{ kind: "failed-generation" }, { kind: "failed-generation" }],
    });
  });

  it.each(["functionCalling", "jsonMode", "jsonSchema"] as const)(
    "%s: after its retries, the next model is asked",
    async (method) => {
      const first = await startServer(streamBy(method, wrongType));
      const second = await startServer(streamBy(method, JSON_OF_ADA));
      const { model } = createModel([first, second], { retry: { maxRetries: 1 } });
      expect((await readAll(model, method)).at(-1)).toEqual(ada);
      expect([first.requests.length, second.requests.length]).toEqual([2, 1]);
    },
  );

  it.each(["functionCalling", "jsonMode", "jsonSchema"] as const)(
    '%s: with streamRecovery "error", the first answer that cannot be used ends it with the typed error',
    async (method) => {
      const server = await startServer(streamBy(method, wrongType));
      const { model } = createModel([server], { streamRecovery: "error" });
      expect(StructuredOutputError.isInstance(await rejection(readAll(model, method)))).toBe(true);
      expect(server.requests).toHaveLength(1);
    },
  );
});

it("with includeRaw, a stream hands out the one answer as it is", async () => {
  const server = await startServer(streamedProse);
  const { model } = createModel([server]);
  const structured = model.withStructuredOutput(person, { includeRaw: true });
  const values = await Array.fromAsync(await structured.stream("Who was Ada?"));
  expect(JSON.stringify(values)).toContain("Lovelace");
  expect(server.requests).toHaveLength(1);
});

it("jsonSchema: an answer that ended at a content filter is a ContentFilterError, not one of the SDK", async () => {
  const reply = replies.completion('{"na', { finishReason: "content_filter" });
  const { model } = createModel([await startServer(reply)]);
  const structured = model.withStructuredOutput(person, { method: "jsonSchema" });
  const error = await rejection(structured.invoke("Who was Ada?"));
  expect(ContentFilterError.isInstance(error)).toBe(true);
});

it("jsonSchema: an answer that was cut at its limit is handed out flagged where it is wanted as it is", async () => {
  const server = await startServer(replies.completion('{"na', { finishReason: "length" }));
  const { model } = createModel([server], { retry: { maxRetries: 0 } });
  const structured = model.withStructuredOutput(person, { method: "jsonSchema", includeRaw: true });
  const { raw } = await structured.invoke("Who was Ada?");
  expect(raw.text).toBe('{"na');
  const response_format = { type: "json_schema", json_schema: { name: "a", schema: {} } };
  const { response_metadata, text, usage_metadata } = await model
    .withConfig({ response_format })
    .invoke("Who was Ada?");
  expect(text).toBe('{"na');
  expect(response_metadata).toMatchObject({
    finish_reason: "length",
    resilience: { cutAtLimit: true },
  });
  expect(usage_metadata).toMatchObject({ input_tokens: 10, output_tokens: 5 });
});
