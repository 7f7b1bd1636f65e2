import { Document } from "@langchain/core/documents";
import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { DeltaSnapshot } from "@langchain/langgraph-checkpoint";
import * as fc from "fast-check";
import { createHash } from "node:crypto";

/** A graph's state, channel by channel. */
export type State = Readonly<Record<string, unknown>>;

/** What is stored of one thread: two checkpoints, the second with something in its metadata and a pending write. */
export interface ThreadCase {
  readonly first: State;
  readonly second: State;
  readonly metadata: unknown;
  readonly written: unknown;
}

/**
 * Threads whose states are made of all the types that are supported. The same seed gives the same
 * threads in any process.
 */
export function sampleThreads(seed: number, count: number): ThreadCase[] {
  const threadCase = fc.record({ first: state, second: state, metadata: value, written: value });
  return [...fc.sample(threadCase, { seed, numRuns: count }), largeCase];
}

/** Strings of any UTF-16 code units, so with surrogates that have lost their other half. */
const anyString = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.array(fc.nat({ max: 0xff_ff })).map((units) => String.fromCharCode(...units)),
  fc.constantFrom("\ud83d\ude00", "\ud800", "\u2028", "\0", "\n", '{"$":"date","v":null}'),
);

/** Around the length up to which a value lies in the checkpoint itself, and far beyond. */
const longString = fc
  .tuple(anyString, fc.oneof(fc.integer({ min: 240, max: 270 }), fc.nat({ max: 50_000 })))
  .map(([text, length]) => `${text}long`.repeat(length).slice(0, length));

const key = fc.oneof(
  anyString,
  fc.nat({ max: 20 }).map(String),
  fc.constantFrom("__proto__", "$", "v", "constructor", "toString", "lc", "a.b", "$set"),
);

const bytes = fc.oneof(
  fc.uint8Array(),
  fc.uint8Array().map((array) => Buffer.from(array)),
  fc.uint8Array().map((array) => new Uint8Array(array).buffer),
  fc.uint8Array().map((array) => new DataView(new Uint8Array(array).buffer)),
  fc.uint8Array({ minLength: 3 }).map((array) => array.subarray(1, 2)),
  fc.uint8ClampedArray(),
  fc.int8Array(),
  fc.int16Array(),
  fc.uint16Array(),
  fc.int32Array(),
  fc.uint32Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.bigUint64Array(),
);

const leaf = fc.oneof(
  anyString,
  fc.double(),
  fc.integer(),
  fc.constantFrom(Number.NaN, -0, Infinity, -Infinity, Number.MAX_SAFE_INTEGER, 5e-324),
  fc.bigInt(),
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.date({ noInvalidDate: false }),
  fc.webUrl().map((url) => new URL(url)),
  fc.constantFrom(/a+/, /[^"]\d{2}/giu, /\//y),
  bytes,
);

function toObject(entries: readonly [string, unknown][]): Record<string, unknown> {
  return Object.fromEntries(entries);
}

const ERRORS = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError];

const { value, object, message } = fc.letrec<{
  value: unknown;
  object: Record<string, unknown>;
  error: Error;
  message: object;
}>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: "value" },
    leaf,
    fc.array(tie("value"), { maxLength: 6, depthIdentifier: "value" }),
    tie("object"),
    fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 4 }).map((e) => new Map(e)),
    fc.array(tie("value"), { maxLength: 4 }).map((items) => new Set(items)),
    tie("value").map((inner) => new DeltaSnapshot(inner)),
    tie("error"),
    tie("message"),
  ),
  object: fc.array(fc.tuple(key, tie("value")), { maxLength: 6 }).map(toObject),
  error: fc
    .record({
      constructor: fc.constantFrom(...ERRORS),
      message: anyString,
      stack: anyString,
      cause: fc.option(tie("value"), { nil: "none" }),
      own: fc
        .array(fc.tuple(fc.constantFrom("code", "status", "details"), tie("value")))
        .map(toObject),
    })
    .map(({ constructor, message: text, stack, cause, own }) => {
      const error = new constructor(text, cause === "none" ? undefined : { cause });
      // The real one tells the process in which it was made.
      Object.defineProperty(error, "stack", { value: stack });
      return Object.assign(error, own);
    }),
  message: fc
    .record({
      id: fc.uuid(),
      name: fc.constantFrom("ada", "bob"),
      content: anyString,
      additional_kwargs: tie("object"),
      anything: tie("value"),
      args: tie("object"),
    })
    .chain(({ anything, args, ...fields }) =>
      fc.constantFrom(
        () => new HumanMessage(fields),
        () => new SystemMessage(fields),
        () => new AIMessage({ ...fields, tool_calls: [{ name: "f", args, id: "1" }] }),
        () => new ToolMessage({ ...fields, tool_call_id: "1", artifact: anything }),
        () => new Document({ pageContent: fields.content, metadata: { anything }, id: fields.id }),
      ),
    )
    .map((create) => create()),
}));

/** Some channels of each kind: lists and maps are stored item by item, the others whole. */
const state: fc.Arbitrary<State> = fc.record(
  {
    value,
    list: fc.array(fc.oneof(value, longString), { maxLength: 30 }),
    map: fc.array(fc.tuple(key, fc.oneof(value, longString))).map(toObject),
    messages: fc.array(message, { maxLength: 5 }),
    nested: object,
    text: longString,
  },
  // An object without a prototype comes back with one.
  { requiredKeys: [], noNullPrototype: true },
);

/** A value that has to be split, and that nothing makes smaller. */
const noise = createHash("shake256", { outputLength: 8_500_000 }).update("any state").digest();
const largeCase: ThreadCase = {
  first: { text: noise.toString("latin1"), list: ["small"] },
  second: { text: "small", list: ["small", noise] },
  metadata: undefined,
  written: noise.toReversed(),
};
