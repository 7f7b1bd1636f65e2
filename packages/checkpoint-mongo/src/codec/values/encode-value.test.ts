import { Document } from "@langchain/core/documents";
import * as messages from "@langchain/core/messages";
import { PromptTemplate } from "@langchain/core/prompts";
import { ChatPromptValue, StringPromptValue } from "@langchain/core/prompt_values";
import { DeltaSnapshot } from "@langchain/langgraph-checkpoint";
import * as fc from "fast-check";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { decodeValue } from "./decode-value.ts";
import { encodeValue } from "./encode-value.ts";

function roundTrip(value: unknown): unknown {
  const text = encodeValue(value, "channel");
  // Segments hold one item a line.
  expect(text).not.toContain("\n");
  return decodeValue(text, new Set(["langchain_core/prompts/prompt/PromptTemplate"]));
}

/** Strings of any UTF-16 code units, so with surrogates that have lost their other half. */
const anyString = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.nat({ max: 0xff_ff })).map((units) => String.fromCharCode(...units)),
  fc.constantFrom("\ud800", "\u2028", "\0", '{"$":"date","v":null}'),
);

const key = fc.oneof(
  anyString,
  fc.nat({ max: 20 }).map(String),
  fc.constantFrom("__proto__", "$", "v", "constructor", "prototype", "toString", "lg_name", "lc"),
);

const bytes = fc.oneof(
  fc.uint8Array(),
  fc.uint8Array().map((array) => Buffer.from(array)),
  // A view of a part of its memory.
  fc.uint8Array({ minLength: 3 }).map((array) => array.subarray(1, 2)),
  fc.uint8Array().map((array) => new Uint8Array(array).buffer),
  fc.uint8Array().map((array) => new DataView(new Uint8Array(array).buffer)),
  fc.int8Array(),
  fc.uint8ClampedArray(),
  fc.int16Array(),
  fc.uint16Array(),
  fc.int32Array(),
  fc.uint32Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.bigUint64Array(),
);

const regexp = fc
  .record({
    source: fc.constantFrom("a+", String.raw`\d{2}|[^"]`, "/", "é\ud83d\ude00"),
    flags: fc.constantFrom("", "g", "gi", "dgimsuy"),
    lastIndex: fc.nat(),
  })
  .map(({ source, flags, lastIndex }) => Object.assign(new RegExp(source, flags), { lastIndex }));

const ERRORS = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError];

const { value } = fc.letrec<{ value: unknown; leaf: unknown; error: Error }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: "value" },
    tie("leaf"),
    fc.array(tie("value"), { maxLength: 6, depthIdentifier: "value" }),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 6 }).map(Object.fromEntries),
    fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 4 }).map((e) => new Map(e)),
    fc.array(tie("value"), { maxLength: 4 }).map((items) => new Set(items)),
    tie("value").map((inner) => new DeltaSnapshot(inner)),
    tie("error"),
  ),
  leaf: fc.oneof(
    anyString,
    fc.double(),
    fc.integer(),
    fc.constantFrom(Number.NaN, -0, Infinity, -Infinity, Number.MAX_SAFE_INTEGER, 5e-324),
    fc.bigInt(),
    fc.boolean(),
    fc.constantFrom(null, undefined),
    fc.date({ noInvalidDate: false }),
    regexp,
    fc.webUrl().map((url) => new URL(url)),
    bytes,
  ),
  error: fc
    .record({
      constructor: fc.constantFrom(...ERRORS),
      message: anyString,
      cause: fc.option(tie("value"), { nil: "none" }),
      own: fc.dictionary(fc.constantFrom("code", "status", "details"), tie("value")),
    })
    .map(({ constructor, message, cause, own }) =>
      Object.assign(new constructor(message, cause === "none" ? undefined : { cause }), own),
    ),
}));

describe("a value", () => {
  it("of any mixture of the supported types comes back deeply equal", () => {
    fc.assert(
      fc.property(value, (original) => {
        expect(isDeepStrictEqual(roundTrip(original), original)).toBe(true);
      }),
      { numRuns: 250 },
    );
  });

  it("is encoded to the same text again after it came back", () => {
    fc.assert(
      fc.property(value, (original) => {
        const text = encodeValue(original, "channel");
        expect(encodeValue(decodeValue(text), "channel")).toBe(text);
      }),
    );
  });

  it("that stands in two places comes back in both", () => {
    const shared = { list: [1] };
    expect(roundTrip({ a: shared, b: [shared] })).toStrictEqual({ a: shared, b: [shared] });
  });

  it("with a __proto__ key neither loses it nor gets another prototype", () => {
    const original = JSON.parse('{"__proto__":{"polluted":true},"date":1}') as object;
    Object.assign(original, { date: new Date(0) });
    const decoded = roundTrip({ inner: original }) as { inner: Record<string, unknown> };
    expect(Object.keys(decoded.inner)).toEqual(["__proto__", "date"]);
    expect(Object.getPrototypeOf(decoded.inner)).toBe(Object.prototype);
    expect(decoded.inner["polluted"]).toBeUndefined();
    expect({}).not.toHaveProperty("polluted");
  });

  it("of a typed array is its own part of the memory only, and aligned", () => {
    const whole = new Float64Array([1, 2, 3]);
    const decoded = roundTrip([Buffer.from("x"), whole.subarray(1)]) as [Buffer, Float64Array];
    expect(decoded[1]).toStrictEqual(new Float64Array([2, 3]));
    expect(decoded[1].buffer.byteLength).toBe(16);
  });
});

describe("an error", () => {
  it("keeps message, stack, cause and keys, none of them more visible than before", () => {
    const original = Object.assign(new TypeError("outer", { cause: new RangeError("inner") }), {
      code: 7,
    });
    const decoded = roundTrip(original) as typeof original;
    expect(decoded).toBeInstanceOf(TypeError);
    expect(decoded.stack).toBe(original.stack);
    expect(decoded.cause).toBeInstanceOf(RangeError);
    expect((decoded.cause as Error).stack).toBe((original.cause as Error).stack);
    expect(Object.keys(decoded)).toEqual(["code"]);
  });

  it("that aggregates others keeps them", () => {
    const original = new AggregateError([new Error("a"), "b"], "both", { cause: 1 });
    const decoded = roundTrip(original) as AggregateError;
    expect(decoded).toBeInstanceOf(AggregateError);
    expect(isDeepStrictEqual(decoded, original)).toBe(true);
    expect(decoded.errors).toHaveLength(2);
  });

  it("of a class of the user's comes back as an Error with its name: code is never revived", () => {
    class QuotaError extends Error {
      override readonly name = "QuotaError";
      readonly left = 3;
    }
    const decoded = roundTrip(new QuotaError("no quota")) as QuotaError;
    expect(Object.getPrototypeOf(decoded)).toBe(Error.prototype);
    expect(decoded).toMatchObject({ name: "QuotaError", message: "no quota", left: 3 });
  });

  it("with a __proto__ key does not get another prototype", () => {
    const original = new Error("x");
    Object.defineProperty(original, "__proto__", { value: { polluted: true }, enumerable: true });
    const decoded = roundTrip(original) as Error;
    // Not through the assertion's own access to "__proto__".
    expect(Object.getPrototypeOf(decoded) === Error.prototype).toBe(true);
    expect(Object.keys(decoded)).toEqual(["__proto__"]);
  });
});

describe("a LangChain object", () => {
  const toolCall = { name: "lookup", args: { city: "Rome" }, id: "1", type: "tool_call" } as const;
  const usage = {
    usage_metadata: { input_tokens: 1, output_tokens: 2, total_tokens: 3 },
  };
  const fields = { id: "m", name: "n", additional_kwargs: { k: [1] } };

  it.each<[string, object]>(
    Object.entries({
      AIMessage: new messages.AIMessage({
        ...fields,
        content: [{ type: "text", text: "hi" }],
        tool_calls: [toolCall],
        invalid_tool_calls: [{ ...toolCall, args: "{", error: "bad", type: "invalid_tool_call" }],
      }),
      AIMessageChunk: new messages.AIMessageChunk({
        ...fields,
        content: "hi",
        tool_call_chunks: [{ name: "lookup", args: '{"city":', id: "1", index: 0 }],
      }),
      ChatMessage: new messages.ChatMessage({ ...fields, content: "hi", role: "critic" }),
      ChatMessageChunk: new messages.ChatMessageChunk({ content: "hi", role: "critic" }),
      ChatPromptValue: new ChatPromptValue([new messages.HumanMessage("hi")]),
      Document: new Document({ pageContent: "text", metadata: { page: 1 }, id: "d" }),
      FunctionMessage: new messages.FunctionMessage({ content: "hi", name: "f" }),
      FunctionMessageChunk: new messages.FunctionMessageChunk({ content: "hi", name: "f" }),
      HumanMessage: new messages.HumanMessage({ ...fields, content: "hi" }),
      HumanMessageChunk: new messages.HumanMessageChunk("hi"),
      RemoveMessage: new messages.RemoveMessage({ id: "m" }),
      StringPromptValue: new StringPromptValue("text"),
      SystemMessage: new messages.SystemMessage({ ...fields, content: "hi" }),
      SystemMessageChunk: new messages.SystemMessageChunk("hi"),
      ToolMessage: new messages.ToolMessage({
        ...fields,
        content: "sunny",
        tool_call_id: "1",
        status: "error",
        artifact: { raw: new Date(0), bytes: new Uint8Array([1]) },
      }),
      ToolMessageChunk: new messages.ToolMessageChunk({ content: "sunny", tool_call_id: "1" }),
    }),
  )("%s comes back as its class with all its fields", (_name, original) => {
    const [decoded] = roundTrip([original]) as [object];
    expect(decoded.constructor).toBe(original.constructor);
    expect(JSON.stringify(decoded)).toBe(JSON.stringify(original));
    expect(withoutArguments(decoded)).toStrictEqual(withoutArguments(original));
  });

  /** What a message is made of but for the arguments of its constructor, which it may tidy up. */
  function withoutArguments(object: object): object {
    return Object.fromEntries(Object.entries(object).filter(([field]) => field !== "lc_kwargs"));
  }

  it("keeps how many tokens it took", () => {
    const original = new messages.AIMessage({ content: "x", id: "1" });
    Object.assign(original, usage);
    Object.assign(original.lc_kwargs, usage);
    expect(roundTrip(original)).toMatchObject(usage);
  });

  it("keeps what was set on it since it was made", () => {
    const original = new messages.AIMessage({ content: "before", id: "1" });
    original.content = "after";
    const decoded = roundTrip(original) as messages.AIMessage;
    expect(decoded.content).toBe("after");
  });

  it("keeps chunks that are to be joined with more", () => {
    const first = new messages.AIMessageChunk({
      content: "a",
      tool_call_chunks: [{ name: "lookup", args: '{"city":', id: "1", index: 0 }],
    });
    const second = new messages.AIMessageChunk({
      content: "b",
      tool_call_chunks: [{ args: '"Rome"}', index: 0 }],
    });
    const decoded = roundTrip(first) as messages.AIMessageChunk;
    expect(decoded.concat(second).tool_calls).toEqual(first.concat(second).tool_calls);
    expect(decoded.concat(second).content).toBe("ab");
  });

  it("of another class comes back through LangChain's own loader", async () => {
    const original = PromptTemplate.fromTemplate("Hello {name}");
    const decoded = (await roundTrip({ deep: [original, new Date(0)] })) as {
      deep: [PromptTemplate, Date];
    };
    expect(decoded.deep[0]).toBeInstanceOf(PromptTemplate);
    expect(await decoded.deep[0].format({ name: "Ada" })).toBe("Hello Ada");
    expect(decoded.deep[1]).toEqual(new Date(0));
  });
});

describe("what has no stored form", () => {
  const cycle: { self?: unknown; list: unknown[] } = { list: [] };
  cycle.list.push({ back: cycle });
  let deep: unknown = 1;
  for (let level = 0; level < 1_001; level += 1) deep = [deep];
  const throwing = {
    toJSON: () => {
      throw new Error("not now");
    },
  };

  it.each<[string, unknown, string, RegExp]>([
    ["a function", { a: { b: () => 1 } }, "channel.a.b", /function/],
    ["a class", [Map], "channel[0]", /function/],
    ["a symbol", { "odd key": [Symbol("s")] }, 'channel["odd key"][0]', /symbol/],
    ["a symbol key", { a: { [Symbol("k")]: 1 } }, "channel.a", /symbol key Symbol\(k\)/],
    ["a cycle", cycle, "channel.list[0].back", /contains itself/],
    ["a Promise", [1, Promise.resolve()], "channel[1]", /Promise/],
    ["a WeakMap", { a: new WeakMap() }, "channel.a", /WeakMap/],
    ["a WeakSet", { a: new WeakSet() }, "channel.a", /WeakSet/],
    ["a WeakRef", { a: new WeakRef({}) }, "channel.a", /WeakRef/],
    ["a generator", { a: (function* () {})() }, "channel.a", /Generator/],
    ["shared memory", { a: new SharedArrayBuffer(1) }, "channel.a", /SharedArrayBuffer/],
    ["a throwing toJSON", { a: [throwing] }, "channel.a[0]", /toJSON method threw: Error: not now/],
    ["a function in a Map", new Map([["k", { f: () => 1 }]]), "channel[0][1].f", /function/],
    ["a function in a Set", new Set([1, () => 1]), "channel[1]", /function/],
    [
      "a function as cause",
      { e: new Error("x", { cause: () => 1 }) },
      "channel.e.cause",
      /function/,
    ],
    [
      "a function in a message",
      [new messages.HumanMessage({ content: "x", additional_kwargs: { onDone: () => 1 } })],
      "channel[0].additional_kwargs.onDone",
      /function/,
    ],
    ["a function in a snapshot", new DeltaSnapshot([() => 1]), "channel.value[0]", /function/],
    ["too deep nesting", deep, `channel${"[0]".repeat(1_000)}`, /more than 1000 levels/],
  ])("is refused with its exact path: %s", (_name, original, path, reason) => {
    let thrown: unknown;
    try {
      encodeValue(original, "channel");
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: "UNSERIALIZABLE_STATE", channel: "channel", path });
    expect((thrown as Error).message).toMatch(reason);
  });

  it("is refused before a toJSON method could hide it", () => {
    expect(() => encodeValue({ a: { toJSON: () => [() => 1] } }, "channel")).toThrow(
      "channel.a[0]",
    );
  });
});

describe("stored text", () => {
  it.each([
    ["a tag that is not in the list", '{"$":"function","v":"() => 1"}'],
    ["a message of an unknown class", '{"$":"message","v":["Function",{}]}'],
    ["a message of an inherited name", '{"$":"message","v":["constructor",{}]}'],
    ["bytes of an unknown kind", '{"$":"bytes","v":["constructor",""]}'],
    ["no JSON", "{"],
  ])("with %s is refused", (_name, text) => {
    expect(() => decodeValue(text)).toThrow(Error);
  });
});
