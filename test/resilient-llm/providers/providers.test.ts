import type { AIMessage, AIMessageChunk } from "@langchain/core/messages";
import {
  type Failure,
  type FailureKind,
  ModelCallError,
  type ResilienceEvent,
} from "@threadkeep/resilient-llm";
import { expect, it } from "vitest";
import { createAcceleratedClock } from "../testing/accelerated-clock.ts";
import type { FaultServer } from "../testing/fault-server.ts";
import * as replies from "../testing/replies.ts";
import { acceleration, createModel, startServer } from "../testing/test-model.ts";
import { CONSEQUENCES } from "./consequences.ts";
import { FAMILIES } from "./families.ts";
import type { AnswerRow, ErrorRow, ExpectedAnswer } from "./provider-row.ts";
import { serveAnswer, serveError } from "./serve-row.ts";

type Mode = "invoke" | "stream" | "stream with tools";
type Model = ReturnType<typeof createModel>["model"];

const TOOLS = [
  {
    type: "function",
    function: {
      name: "add",
      description: "Adds",
      parameters: { type: "object", properties: { a: { type: "number" }, b: { type: "number" } } },
    },
  },
];
const CITY_SCHEMA = { type: "object", properties: { city: { type: "string" } } };

/** A longer wait sends the call to the next candidate (`retry.maxDelayMs`). */
const LONGEST_WAIT_MS = 30_000;

async function ask(model: Model, mode: Mode): Promise<AIMessage | AIMessageChunk> {
  if (mode === "invoke") return model.bindTools(TOOLS).invoke("hi");
  const asked = mode === "stream" ? model : model.bindTools(TOOLS);
  const chunks = await Array.fromAsync(await asked.stream("hi"));
  return chunks.reduce((whole, chunk) => whole.concat(chunk));
}

function findFailure(events: readonly ResilienceEvent[]): Failure | undefined {
  return events.find((event) => event.type === "attempt-failed")?.failure;
}

/** What a caller gets: the text of the answer, or the kind of the failure. */
async function settle(model: Model, mode: Mode): Promise<string> {
  try {
    return (await ask(model, mode)).text;
  } catch (error) {
    if (!ModelCallError.isInstance(error)) throw error;
    return error.failure.kind;
  }
}

/** Asks a chain whose first candidate fails as the row says. */
async function expectFailure(
  means: FailureKind,
  mode: Mode,
  first: FaultServer,
  clock: ReturnType<typeof createAcceleratedClock>,
  expectedRequests: number = CONSEQUENCES[means].requests,
): Promise<Failure | undefined> {
  const second = await startServer(replies.answer("from second"));
  // What follows from a failure shows where an answer may start over, also when a tool call broke off.
  const { model, events } = createModel([first, second], { clock, streamRecovery: "restart" });
  const { goesOn } = CONSEQUENCES[means];
  const outcome = await settle(model, mode);
  const failure = findFailure(events);
  expect({
    means: failure?.kind,
    outcome,
    requests: [first.requests.length, second.requests.length],
  }).toEqual({
    means,
    outcome: goesOn ? "from second" : means,
    requests: [expectedRequests, goesOn ? 1 : 0],
  });
  return failure;
}

/** Whether a wait is as long as the row says; the accelerated clock may have passed some of it. */
function isAsLong(waitMs: number | undefined, expectedMs: number | undefined): boolean {
  if (waitMs === undefined || expectedMs === undefined) return waitMs === expectedMs;
  return waitMs > expectedMs / 2 && waitMs <= expectedMs;
}

async function expectError(row: ErrorRow, mode: Mode): Promise<void> {
  const clock = createAcceleratedClock(acceleration);
  const first = await startServer(serveError(row, clock));
  const isLong = (row.waitsMs ?? 0) > LONGEST_WAIT_MS;
  const requests = row.requests ?? (isLong ? 1 : undefined);
  const failure = await expectFailure(row.means, mode, first, clock, requests);
  expect(isAsLong(failure?.waitHintMs, row.waitsMs)).toBe(true);
  expect(failure?.windowTokens).toBe(row.windowTokens);
  expect(failure?.nextStep?.includes("any model") ?? false).toBe(row.isFinal ?? false);
}

async function expectAnswer(gives: ExpectedAnswer, row: AnswerRow, mode: Mode): Promise<void> {
  const server = await startServer(serveAnswer(row));
  const { model, events } = createModel([server]);
  const answer = await ask(model, mode);
  expect(findFailure(events)).toBeUndefined();
  const { additional_kwargs: others, invalid_tool_calls, response_metadata, tool_calls } = answer;
  const ids = tool_calls?.map(({ id }) => id).filter(Boolean);
  expect({
    text: answer.text,
    toolCalls: tool_calls?.map(({ args, name }) => ({ args, name })),
    broken: invalid_tool_calls,
    ids: new Set(ids).size,
    reasoning: others["reasoning_content"],
    refusal: others["refusal"],
    requests: server.requests.length,
  }).toEqual({
    text: gives.text ?? "",
    toolCalls: gives.toolCalls ?? [],
    broken: [],
    ids: gives.toolCalls?.length ?? 0,
    reasoning: gives.reasoning,
    refusal: gives.refusal,
    requests: mode === "invoke" && row.wholeStatus !== undefined ? 2 : 1,
  });
  expect(response_metadata["resilience"]).toMatchObject({
    attempts: 1,
    cutAtLimit: gives.cutAtLimit ?? false,
    emptyAnswer: false,
  });
}

async function expectBroken(row: AnswerRow, mode: Mode): Promise<void> {
  if (!row.means) throw new Error("A row says what it gives or what it means");
  const clock = createAcceleratedClock(acceleration);
  await expectFailure(row.means, mode, await startServer(serveAnswer(row)), clock);
}

async function expectParsed(
  row: AnswerRow,
  { method, value }: NonNullable<ExpectedAnswer["parsed"]>,
): Promise<void> {
  const server = await startServer(serveAnswer(row));
  const { model } = createModel([server]);
  const structured = model.withStructuredOutput(CITY_SCHEMA, { method, name: "extract" });
  expect(await structured.invoke("hi")).toEqual(value);
}

const ERROR_MODES: readonly Mode[] = ["invoke", "stream"];

const ERRORS = FAMILIES.flatMap(({ errors, name }) =>
  errors.flatMap((row) => ERROR_MODES.map((mode) => [`${name}: ${row.sends}`, mode, row] as const)),
);

const ANSWERS = FAMILIES.flatMap(({ answers = [], name }) =>
  answers.flatMap((row) => {
    const title = `${name}: ${row.sends}`;
    // Its tool is not the one that the other modes offer.
    if (row.gives?.parsed?.method === "functionCalling") return [];
    const whole = row.whole === undefined ? [] : [[title, "invoke", row] as const];
    const streamed =
      row.streamed === undefined
        ? []
        : [[title, "stream", row] as const, [title, "stream with tools", row] as const];
    return [...whole, ...streamed];
  }),
);

const PARSED = FAMILIES.flatMap(({ answers = [], name }) =>
  answers.flatMap((row) =>
    row.gives?.parsed ? [[`${name}: ${row.sends}`, row, row.gives.parsed] as const] : [],
  ),
);

it.each(ERRORS)("%s (%s): taken for what it is, and what follows is right", (_, mode, row) =>
  expectError(row, mode),
);

it.each(ANSWERS)("%s (%s): handed out whole, or never as an answer", (_, mode, row) =>
  row.gives ? expectAnswer(row.gives, row, mode) : expectBroken(row, mode),
);

it.each(PARSED)("%s: structured output is parsed", (_, row, parsed) => expectParsed(row, parsed));
