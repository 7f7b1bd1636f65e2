import { JsonOutputParser } from "@langchain/core/output_parsers";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ModelCallError, type ResilientChatModel } from "@threadkeep/resilient-llm";
import { breakOffOnce, inPieces, type Manner, manners } from "../testing/continuing-server.ts";
import type { Reply } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { createModel, rejection, startServer } from "../testing/test-model.ts";

const person = z.object({ name: z.string(), age: z.number() });
const ada = { name: "Ada", age: 36 };
const JSON_TEXT = JSON.stringify(ada);
const CUTS = inPieces(JSON_TEXT).map((_, index) => index + 1);

/** What a consumer has in the end: each value that a parser streams takes the place of the one before. */
async function readLast(stream: Promise<AsyncIterable<unknown>>): Promise<unknown> {
  return (await Array.fromAsync(await stream)).at(-1);
}

describe("JsonOutputParser", () => {
  const parse = (model: ResilientChatModel) =>
    readLast(model.pipe(new JsonOutputParser()).stream("Who?"));
  const parseJsonMode = (model: ResilientChatModel) =>
    readLast(
      model
        .withConfig({ response_format: { type: "json_object" } })
        .pipe(new JsonOutputParser())
        .stream("Who?"),
    );

  it.each(
    (Object.keys(manners) as Manner[]).flatMap((manner) => [
      ["without a format", manner, parse] as const,
      ["with response_format", manner, parseJsonMode] as const,
    ]),
  )(
    "%s, cut at every third character, when the model %s: the undisturbed value or a typed error",
    async (_, manner, consume) => {
      const server = await startServer();
      for (const pieces of CUTS) {
        server.requests.length = 0;
        server.playScript(breakOffOnce(JSON_TEXT, pieces, manner));
        const { model } = createModel([server], { retry: { maxRetries: 1 } });
        const result: unknown = await consume(model).catch((error: unknown) =>
          ModelCallError.isInstance(error) ? ada : error,
        );
        expect(result, `after ${pieces} pieces`).toEqual(ada);
      }
    },
  );

  it("JSON that is asked for again and begins with the same text is whole, wherever it was cut", async () => {
    const server = await startServer();
    for (const pieces of CUTS) {
      server.requests.length = 0;
      server.playScript(breakOffOnce(JSON_TEXT, pieces, "answers in other words"));
      const { model } = createModel([server]);
      expect(await parseJsonMode(model)).toEqual(ada);
      expect(server.requests[1]?.body.messages).toHaveLength(1);
    }
  });
});

/** How an answer comes by each method of structured output, in pieces of three characters. */
const methods = {
  functionCalling: (text: string): replies.StreamStep[] => [
    { toolCall: { id: "call_1", name: "extract", args: "" } },
    ...inPieces(text).map(({ text: args }) => ({ toolCall: { args } })),
  ],
  jsonMode: (text: string): replies.StreamStep[] => inPieces(text),
  jsonSchema: (text: string): replies.StreamStep[] => inPieces(text),
} as const;

type Method = keyof typeof methods;

function complete(method: Method, text: string): Reply {
  const finish = method === "functionCalling" ? "tool_calls" : "stop";
  return replies.stream(...methods[method](text), { finish }, { done: true });
}

const schemas = [
  ["zod", person],
  ["standard schema", z.toJSONSchema(person)],
  // Without what zod adds to it. LangChain reads these by its cumulative parsers.
  ["JSON schema", JSON.parse(JSON.stringify(z.toJSONSchema(person))) as Record<string, unknown>],
] as const;

describe.each(schemas)("withStructuredOutput by %s", (_, schema) => {
  it.each(Object.keys(methods) as Method[])(
    "%s: a stream cut at every third character starts over and ends with the whole value",
    async (method) => {
      const server = await startServer();
      const otherwise = JSON.stringify({ age: 36, name: "Ada" });
      for (const pieces of CUTS) {
        server.play(
          replies.stream(...methods[method](JSON_TEXT).slice(0, pieces)),
          complete(method, otherwise),
        );
        const { model } = createModel([server]);
        const structured = model.withStructuredOutput(schema, { method });
        expect(await readLast(structured.stream("Who?"))).toEqual(ada);
      }
    },
  );

  it("with includeRaw the consumer has the message, so a tool call that broke off is an error", async () => {
    const server = await startServer(
      replies.stream(...methods.functionCalling(JSON_TEXT).slice(0, 4)),
      complete("functionCalling", JSON_TEXT),
    );
    const { model } = createModel([server]);
    const structured = model.withStructuredOutput(schema, {
      method: "functionCalling",
      includeRaw: true,
    });
    const error = await rejection(readLast(structured.stream("Who?")));
    expect(error).toMatchObject({ code: "STREAM_INTERRUPTED", partial: { hasToolCalls: true } });
  });
});
