import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { PromptTemplate } from "@langchain/core/prompts";
import { DeltaSnapshot } from "@langchain/langgraph-checkpoint";
import { isDeepStrictEqual } from "node:util";
import { createContext, runInContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { isValueEncodedAs } from "./values/compare-encoded.ts";
import { decodeChannel } from "./channels/decode-channel.ts";
import { decodeValue } from "./values/decode-value.ts";
import { planChannel } from "./channels/plan-channel.ts";
import { encodeValue } from "./values/encode-value.ts";
import { writeChannel } from "./channels/write-channel.ts";
import {
  decodeCheckpointText,
  encodeCheckpointText,
  writeHeader,
} from "./checkpoints/checkpoint-text.ts";

// Some libraries give a built-in class a toJSON: vega-lite does to Set, Prototype.js did to Array, and
// many programs do to BigInt. What is stored must not depend on which libraries a process has loaded.

const REALM = createContext({});

class Tags extends Set<string> {
  toJSON(): unknown {
    return { tags: [...this] };
  }
}

class Money {
  readonly cents: number;
  constructor(cents: number) {
    this.cents = cents;
  }
  toJSON(): unknown {
    return { cents: this.cents };
  }
}

class Plain {
  readonly list = [1];
}

const makeState = (): Record<string, unknown> => ({
  set: new Set([1, "two", new Set(["nested"])]),
  map: new Map<unknown, unknown>([["a", new Map([[1, 2]])]]),
  date: new Date(0),
  noDate: new Date(Number.NaN),
  regexp: /a+/g,
  errors: [new Error("x", { cause: 1 }), Object.assign(new TypeError("y"), { code: 7 })],
  aggregate: new AggregateError([new Error("part")], "z"),
  bytes: [Buffer.from("abc"), new Uint8Array([1]), new Float64Array([1.5]), new ArrayBuffer(2)],
  view: new DataView(new ArrayBuffer(3)),
  url: new URL("http://a/b"),
  web: [new URLSearchParams("a=1"), new Headers({ b: "2" })],
  big: [1n, Object(2n), Object("boxed"), Object(3), Object(true)],
  numbers: [1, -0, Number.NaN, Infinity],
  texts: ["text", "\uD800", ""],
  tagged: { $: "date", v: null },
  nothing: [undefined, null, true],
  holes: Object.assign([1], { 3: 4, length: 6 }),
  bare: Object.assign(Object.create(null) as object, { a: [1] }),
  realm: runInContext(
    "({ list: [1], set: new Set([1]), map: new Map([[1, 2]]) })",
    REALM,
  ) as unknown,
  snapshot: new DeltaSnapshot([1, new Set([2])]),
  send: { lg_name: "Send", node: "n", args: { a: [1] } },
  messages: [
    new HumanMessage("hello"),
    new AIMessage({
      content: [{ type: "text", text: "part" }],
      tool_calls: [{ id: "c", name: "search", args: { query: ["a"] } }],
    }),
  ],
  plain: new Plain(),
  own: { toJSON: () => ({ says: "for itself" }) },
  money: new Money(5),
  tags: new Tags(["a"]),
});

/** The realm's prototypes too: a library may be loaded there. */
const realm = runInContext("({ Set, Map, Array, Object })", REALM) as Record<
  string,
  { prototype: object }
>;

const HOLDERS: Readonly<Record<string, object>> = {
  Set: Set.prototype,
  Map: Map.prototype,
  Array: Array.prototype,
  Object: Object.prototype,
  Date: Date.prototype,
  RegExp: RegExp.prototype,
  Error: Error.prototype,
  TypeError: TypeError.prototype,
  AggregateError: AggregateError.prototype,
  String: String.prototype,
  Number: Number.prototype,
  Boolean: Boolean.prototype,
  BigInt: BigInt.prototype,
  Symbol: Symbol.prototype,
  Function: Function.prototype,
  ArrayBuffer: ArrayBuffer.prototype,
  DataView: DataView.prototype,
  TypedArray: Object.getPrototypeOf(Uint8Array.prototype) as object,
  Uint8Array: Uint8Array.prototype,
  Buffer: Buffer.prototype as object,
  URL: URL.prototype,
  URLSearchParams: URLSearchParams.prototype,
  Headers: Headers.prototype,
  ...Object.fromEntries(
    Object.entries(realm).map(([name, { prototype }]) => [`another realm's ${name}`, prototype]),
  ),
};

const FOREIGN: Readonly<Record<string, unknown>> = {
  "that gives a text": () => "foreign",
  "that gives an array": () => ["foreign"],
  "that gives itself": function itself(this: unknown): unknown {
    return this;
  },
  "that throws": () => {
    throw new Error("foreign");
  },
  "that is a method of the language": Reflect.get(Object.prototype, "toString"),
};

const cases = Object.entries(HOLDERS).flatMap(([name, holder]) =>
  Object.entries(FOREIGN).map(([kind, toJSON]) => ({ name, holder, kind, toJSON })),
);

/** Does something while a class has this toJSON, which is enumerable as after an assignment. */
function withToJson<T>(holder: object, toJSON: unknown, action: () => T): T {
  const before = Object.getOwnPropertyDescriptor(holder, "toJSON");
  const putBack = () => {
    if (before === undefined) delete (holder as { toJSON?: unknown }).toJSON;
    else Object.defineProperty(holder, "toJSON", before);
  };
  Object.defineProperty(holder, "toJSON", {
    value: toJSON,
    configurable: true,
    enumerable: true,
    writable: true,
  });
  let result: T;
  try {
    result = action();
  } catch (error) {
    putBack();
    throw error;
  }
  if (result instanceof Promise) return result.finally(putBack) as T;
  putBack();
  return result;
}

/** What encoding gives, and all that happens to a state on its way into a checkpoint and back. */
async function storeAll(state: Record<string, unknown>) {
  const texts: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  const compared: Record<string, boolean> = {};
  const manifest = new Map();
  for (const [channel, value] of Object.entries(state)) {
    texts[channel] = encodeValue(value, channel);
    compared[channel] = isValueEncodedAs(value, JSON.parse(texts[channel]));
    // Often enough that it is stored as slices, where it can be.
    const many = Array.isArray(value) ? Array.from({ length: 30 }, (): unknown => value) : value;
    const written = writeChannel(channel, many, undefined, { findKnown: () => undefined });
    const encoded = await planChannel(channel, written, undefined, () => undefined);
    manifest.set(channel, encoded.manifest);
    const lines = new Map(encoded.segments.map(({ id, lines: own }) => [id, own!]));
    values[channel] = [
      await decodeValue(texts[channel]),
      await decodeChannel(encoded.manifest as Parameters<typeof decodeChannel>[0], (id) =>
        lines.get(id)!,
      ),
    ];
  }
  const header = { v: 4, ts: "", channel_versions: { a: 1 }, versions_seen: { n: { a: 1 } } };
  const checkpoint = encodeCheckpointText(writeHeader(header), manifest);
  return { texts, values, compared, checkpoint, read: decodeCheckpointText(checkpoint) };
}

describe("what is stored", () => {
  it.each(cases)(
    "does not depend on whether $name has a toJSON $kind",
    async ({ holder, toJSON }) => {
      const state = makeState();
      const expected = await storeAll(state);
      const found = await withToJson(holder, toJSON, () => storeAll(state));
      for (const part of ["texts", "compared", "checkpoint"] as const) {
        expect(found[part]).toEqual(expected[part]);
      }
      expect(isDeepStrictEqual(found.values, expected.values)).toBe(true);
      expect(isDeepStrictEqual(found.read, expected.read)).toBe(true);
    },
  );

  it.each(["Set", "Array", "Object"])(
    "and loaded by LangChain does not depend on whether %s has a toJSON",
    async (name) => {
      const prompt = new PromptTemplate({ template: "{a}", inputVariables: ["a"] });
      const text = encodeValue(prompt, "channel");
      await withToJson(HOLDERS[name]!, FOREIGN["that gives a text"], async () => {
        expect(encodeValue(prompt, "channel")).toBe(text);
        const loaded = await decodeValue(text, new Set([prompt.lc_id.join("/")]));
        expect(loaded).toBeInstanceOf(PromptTemplate);
        expect(encodeValue(loaded, "channel")).toBe(text);
      });
    },
  );

  it("is what a value or its class says for itself, on whatever that class is built", () => {
    expect(encodeValue([new Tags(["a"]), new Money(1), makeState()["own"]], "channel")).toBe(
      '[{"tags":["a"]},{"cents":1},{"says":"for itself"}]',
    );
  });
});
