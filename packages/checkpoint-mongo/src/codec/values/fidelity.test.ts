import { RunnableLambda } from "@langchain/core/runnables";
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { DeltaSnapshot, JsonPlusSerializer } from "@langchain/langgraph-checkpoint";
import * as fc from "fast-check";
import { createHash, createSecretKey } from "node:crypto";
import { EventEmitter } from "node:events";
import { isDeepStrictEqual, types } from "node:util";
import { runInNewContext } from "node:vm";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { decodeValue } from "./decode-value.ts";
import { encodeValue } from "./encode-value.ts";

/**
 * Where two values differ in anything that a program can see of them without looking for what is
 * hidden: prototype, own keys in their order, contents. Undefined if nowhere.
 */
function findDifference(actual: unknown, expected: unknown, path = "it"): string | undefined {
  if (typeof expected !== "object" || expected === null || typeof actual !== "object") {
    return Object.is(actual, expected) ? undefined : `${path}: ${String(actual)}`;
  }
  if (actual === null) return `${path}: null`;
  if (Object.getPrototypeOf(actual) !== Object.getPrototypeOf(expected))
    return `${path}: prototype`;
  const keys = listKeys(expected);
  if (!isDeepStrictEqual(listKeys(actual), keys)) return `${path}: keys ${listKeys(actual).join()}`;
  const [parts, expectedParts] = [listParts(actual), listParts(expected)];
  if (parts.length !== expectedParts.length) return `${path}: size`;
  for (const [index, part] of expectedParts.entries()) {
    const difference = findDifference(parts[index], part, `${path}(${index})`);
    if (difference !== undefined) return difference;
  }
  for (const key of keys) {
    const difference = findDifference(
      (actual as Record<string | symbol, unknown>)[key],
      (expected as Record<string | symbol, unknown>)[key],
      `${path}.${String(key)}`,
    );
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function listKeys(value: object): (string | symbol)[] {
  return Reflect.ownKeys(value).filter((key) =>
    Object.prototype.propertyIsEnumerable.call(value, key),
  );
}

/** What a value holds beside its keys. */
function listParts(value: object): unknown[] {
  if (Array.isArray(value)) return [value.length];
  if (types.isMap(value)) return [...value].flat();
  if (types.isSet(value)) return [...value];
  if (types.isDate(value)) return [value.getTime()];
  if (types.isRegExp(value)) return [value.source, value.flags, value.lastIndex];
  if (value instanceof URL) return [value.href];
  if (value instanceof URLSearchParams || value instanceof Headers) return [...value].flat();
  if (types.isAnyArrayBuffer(value)) return [Buffer.from(value).toString("hex")];
  if (types.isDataView(value)) return [Buffer.from(value.buffer).toString("hex")];
  if (value instanceof Error) {
    const fields = ["cause", "errors", "error", "suppressed"].filter((key) =>
      Object.hasOwn(value, key),
    );
    return [
      value.name,
      value.message,
      value.stack,
      fields.join(),
      ...fields.map((key) => (value as unknown as Record<string, unknown>)[key]),
    ];
  }
  return [];
}

function refusalOf(value: unknown): unknown {
  try {
    encodeValue(value, "channel");
  } catch (error) {
    return error;
  }
  return undefined;
}

async function roundTrip(value: unknown): Promise<unknown> {
  return decodeValue(encodeValue(value, "channel"));
}

/** What the namespace of a module is. The test runner's own ones are not. */
const namespace: unknown = await import(["data:text/javascript", "export const value = 1"].join());

/** A value that was made in another realm. */
function fromOtherRealm(code: string): unknown {
  return runInNewContext(code) as unknown;
}

function withHoles(items: Readonly<Record<number, unknown>>, length: number): unknown[] {
  return Object.assign([], items, { length });
}

class Point {
  readonly x = 1;
  readonly list = [new Date(0)];
  readonly #hidden = 2;
  get sum(): number {
    return this.x + this.#hidden;
  }
}
class Hidden {
  readonly #value = 1;
  get value(): number {
    return this.#value;
  }
}
class Closed {
  declare readonly read: () => number;
  constructor(value: number) {
    Object.defineProperty(this, "read", { value: () => value });
  }
}
class Empty {
  get nothing(): undefined {
    return undefined;
  }
}
class List extends Array<unknown> {
  declare label: string;
}
class Registry extends Map<string, unknown> {}
class Tags extends Set<string> {}
class Day extends Date {
  override getTime(): number {
    return 0;
  }
}
class Bytes extends Uint8Array {}
class QuotaError extends RangeError {
  readonly left = 3;
  constructor() {
    super("no quota", { cause: new Date(1) });
    this.name = "QuotaError";
  }
}
class Money {
  readonly #cents = 150;
  toJSON(): unknown {
    return { cents: BigInt(this.#cents), at: new Date(2) };
  }
}

describe("comes back as it was", () => {
  const holes = withHoles({ 0: "a", 2: new Date(0) }, 5);
  const renamed = new Error("x");
  renamed.name = "Renamed";
  const marked = Object.assign(new TypeError("x"), { [Symbol.for("brand")]: { deep: 1n } });
  const odd = Object.assign(new Error("x"), { $: "langchain", v: "{}" });
  Object.defineProperty(odd, "message", { value: { not: "a text" } });
  const without = new Error("x");
  delete without.stack;
  const regexp = /a/g;
  regexp.lastIndex = Number.NaN;

  it.each<[string, unknown]>([
    ["an array with holes", holes],
    ["an array of holes alone", withHoles({}, 3)],
    ["the match of a RegExp", /(\d+)-(\d+)/.exec("on 2026-11")],
    [
      "an array with keys of its own",
      Object.assign([1, [2n]], { columns: ["a"], at: new Date(0) }),
    ],
    ["an array with a key that looks like an index", Object.assign([1], { "01": 2, "-1": 3 })],
    ["search parameters", new URLSearchParams("a=1&a=2&b=%20%26&c=é\ud83d\ude00")],
    [
      "headers",
      new Headers([
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
        ["x-a", "1, 2"],
      ]),
    ],
    ["a URL", new URL("https://user:pw@example.org:8080/p?q=1#h")],
    ["a RegExp with any lastIndex", regexp],
    ["an Error whose name was set", renamed],
    ["an Error that a library marks with a symbol", marked],
    ["an Error with a message that is no text and keys that look like a tag", odd],
    ["an Error without a stack", without],
    ["an Error with cause undefined", new Error("x", { cause: undefined })],
    [
      "an AggregateError in an AggregateError",
      new AggregateError([new AggregateError([1n], "in"), 2], "out"),
    ],
    ["a DOMException", new DOMException("stopped", "AbortError")],
    ["a SuppressedError", new SuppressedError(new Date(0), 1n, "both")],
    [
      "half floats",
      (globalThis as unknown as { Float16Array?: typeof Float32Array }).Float16Array?.of(1.5),
    ],
    ["a snapshot of what needs a tag", new DeltaSnapshot([undefined, -0, 1n])],
    ["an object that looks like a tag", { $: "langchain", v: "{}", deep: { $: "date" } }],
    ["an object that looks like LangChain's record", { lc: 1, type: "constructor", id: ["x"] }],
    [
      "a plain object with more keys than a Send",
      { lg_name: "Send", node: "a", args: 1, other: 2 },
    ],
  ])("%s", async (_name, original) => {
    expect(findDifference(await roundTrip(original), original)).toBeUndefined();
    expect(findDifference(await roundTrip({ deep: [original] }), { deep: [original] })).toBe(
      undefined,
    );
  });
});

describe("comes back as what it is without its class, realm or wrapper", () => {
  const list = List.from([1, new Date(0)]) as List;
  list.label = "l";
  const match = /(?<year>\d+)/.exec("in 2026")!;

  it.each<[string, unknown, unknown]>([
    ["an instance with public fields", new Point(), { x: 1, list: [new Date(0)] }],
    ["an object without a prototype", Object.assign(Object.create(null), { a: 1n }), { a: 1n }],
    [
      "the match of a RegExp with groups",
      match,
      Object.assign(["2026", "2026"], { index: 3, input: "in 2026", groups: { year: "2026" } }),
    ],
    [
      "what is read through getters",
      {
        get a() {
          return new Date(0);
        },
      },
      { a: new Date(0) },
    ],
    ["a Proxy of a plain object", new Proxy({ a: [1n] }, {}), { a: [1n] }],
    ["a Proxy of an array", new Proxy([1n, -0], {}), [1n, -0]],
    ["an Array of the user's", list, Object.assign([1, new Date(0)], { label: "l" })],
    ["a Map of the user's", new Registry([["a", 1n]]), new Map([["a", 1n]])],
    ["a Set of the user's", new Tags(["a"]), new Set(["a"])],
    ["a Date of the user's", new Day(5), new Date(5)],
    ["bytes of the user's", Bytes.of(1, 2), Uint8Array.of(1, 2)],
    ["a boxed string", Object("text"), "text"],
    ["a boxed number", Object(-0), -0],
    ["a boxed boolean", Object(false), false],
    ["a boxed bigint", Object(1n), 1n],
    [
      "a plain object of another realm",
      fromOtherRealm("({ a: [{}], d: new Date(3) })"),
      { a: [{}], d: new Date(3) },
    ],
    [
      "a Map of another realm",
      fromOtherRealm("new Map([[1n, new Set([/x/g])]])"),
      new Map([[1n, new Set([/x/g])]]),
    ],
    ["bytes of another realm", fromOtherRealm("Float32Array.of(1.5)"), Float32Array.of(1.5)],
    ["memory of another realm", fromOtherRealm("Uint8Array.of(7).buffer"), Uint8Array.of(7).buffer],
    ["what toJSON gives", new Money(), { cents: 150n, at: new Date(2) }],
    [
      "what toJSON of a Map of the user's gives",
      Object.assign(
        new (class extends Map {
          toJSON() {
            return ["own"];
          }
        })(),
      ),
      ["own"],
    ],
    [
      "what toJSON gives: the object itself",
      { a: 1n, toJSON: undefined },
      { a: 1n, toJSON: undefined },
    ],
  ])("%s", async (_name, original, expected) => {
    expect(findDifference(await roundTrip(original), expected)).toBeUndefined();
    expect(findDifference(await roundTrip([{ original }]), [{ original: expected }])).toBe(
      undefined,
    );
  });

  it("an error of a class of the user's: the error class it extends, with its name", async () => {
    const original = new QuotaError();
    const decoded = (await roundTrip(original)) as QuotaError;
    expect(Object.getPrototypeOf(decoded)).toBe(RangeError.prototype);
    expect(listParts(decoded)).toEqual(listParts(original));
    expect(Object.keys(decoded).toSorted()).toEqual(["left", "name"]);
  });

  it("an error of another realm: the same class of this one", async () => {
    const original = fromOtherRealm(
      "Object.assign(new TypeError('x', { cause: new RangeError('y') }), { at: new Date(4) })",
    ) as TypeError & { at: Date };
    const decoded = (await roundTrip(original)) as typeof original;
    expect(decoded).toBeInstanceOf(TypeError);
    expect(decoded.cause).toBeInstanceOf(RangeError);
    expect(decoded).toMatchObject({ message: "x", stack: original.stack, at: new Date(4) });
  });

  it("an error with a toJSON, as Axios makes them: what that gives", async () => {
    class RequestError extends Error {
      readonly config = { adapter: () => 1 };
      toJSON(): unknown {
        return { name: this.name, message: this.message, status: 500 };
      }
    }
    expect(await roundTrip(new RequestError("x"))).toEqual({
      name: "Error",
      message: "x",
      status: 500,
    });
  });
});

describe("is refused with its path", () => {
  const channel = new MessageChannel();
  channel.port1.close();
  const revokedArray = Proxy.revocable([], {});
  revokedArray.revoke();
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const throwing = () => {
    throw new Error("not now");
  };
  const detached = new ArrayBuffer(8);
  structuredClone(detached, { transfer: [detached] });
  const selfReplacing = { toJSON: (): unknown => ({ toJSON: selfReplacing.toJSON }) };
  function collect(..._items: unknown[]): unknown {
    return arguments;
  }
  const longCause = Array.from({ length: 1_001 }).reduce<unknown>(
    (cause) => new Error("x", { cause }),
    undefined,
  );

  it.each<[string, unknown, RegExp]>([
    ["a Response", new Response("x"), /a Response has no/],
    ["a Request", new Request("http://localhost"), /a Request has no/],
    ["form data", new FormData(), /a FormData has no/],
    ["a Blob", new Blob(["x"]), /a Blob has no/],
    ["a File", new File(["x"], "f"), /a File has no/],
    ["a stream of the web's", new ReadableStream(), /a ReadableStream has no/],
    ["a stream of Node's", new Readable(), /symbol key/],
    ["an AbortSignal", AbortSignal.abort(), /an AbortSignal has no/],
    ["an AbortController", new AbortController(), /an AbortController has no/],
    ["an EventTarget", new EventTarget(), /an EventTarget has no/],
    ["an EventEmitter", new EventEmitter(), /symbol key/],
    ["a MessagePort", channel.port1, /has no stored form|without enumerable/],
    ["a KeyObject", createSecretKey(Buffer.from("key")), /a KeyObject has no/],
    ["a hash", createHash("sha256"), /symbol key/],
    ["a TextDecoder", new TextDecoder(), /a TextDecoder has no/],
    ["an Intl.NumberFormat", new Intl.NumberFormat(), /an Intl.NumberFormat has no/],
    ["an Intl.Locale", new Intl.Locale("de"), /an Intl.Locale has no/],
    ["segments", new Intl.Segmenter().segment("a"), /without enumerable/],
    ["an array's iterator", [1].values(), /an Array Iterator has no/],
    ["a Map's iterator", new Map([[1, 2]]).entries(), /a Map Iterator has no/],
    ["a Set's iterator", new Set([1]).values(), /a Set Iterator has no/],
    ["a string's iterator", "a"[Symbol.iterator](), /a String Iterator has no/],
    ["matches", "a".matchAll(/a/g), /a RegExp String Iterator has no/],
    [
      "an iterator helper",
      (new Set([1]).values() as unknown as number[]).map(String),
      /an Iterator Helper has no/,
    ],
    ["a generator", (function* () {})(), /a Generator has no/],
    ["an asynchronous generator", (async function* () {})(), /an AsyncGenerator has no/],
    ["an iterator with a key", Object.assign([1].values(), { a: 1 }), /an Array Iterator has no/],
    ["a Promise with a key", Object.assign(Promise.resolve(), { a: 1 }), /a Promise has no/],
    ["a FinalizationRegistry", new FinalizationRegistry(() => {}), /a FinalizationRegistry has no/],
    [
      "a module",
      new WebAssembly.Module(Buffer.from("0061736d01000000", "hex")),
      /a WebAssembly.Module has no/,
    ],
    ["Atomics", Atomics, /the object Atomics has no/],
    ["Math", Math, /the object Math has no/],
    ["a module's namespace", namespace, /the object Module has no/],
    ["the global object", globalThis, /has no stored form|contains itself/],
    ["arguments", collect(1, 2), /an arguments object has no/],
    [
      "shared memory seen as bytes",
      new Uint8Array(new SharedArrayBuffer(1)),
      /memory that is shared/,
    ],
    [
      "memory that can be resized",
      new ArrayBuffer(1, { maxByteLength: 2 }),
      /an ArrayBuffer has no/,
    ],
    ["memory that was handed on", detached, /reading it threw: TypeError/],
    ["an instance with private fields alone", new Hidden(), /it is a Hidden without enumerable/],
    ["an instance with hidden fields alone", new Closed(1), /it is a Closed without/],
    ["an instance of an empty class", new Empty(), /it is a Empty without enumerable/],
    [
      "an object that inherits from another",
      Object.assign(Object.create({ a: 1 }), { b: 2 }),
      /inherits properties/,
    ],
    ["a Date with a key", Object.assign(new Date(0), { zone: "UTC" }), /the key "zone"/],
    ["a Map with a key", Object.assign(new Map(), { label: 1 }), /the key "label"/],
    [
      "a Set with a symbol key",
      Object.assign(new Set(), { [Symbol.for("s")]: 1 }),
      /symbol key Symbol\(s\)/,
    ],
    ["a RegExp with a key", Object.assign(/x/, { label: 1 }), /the key "label"/],
    ["a URL with a key", Object.assign(new URL("http://a"), { label: 1 }), /the key "label"/],
    ["a boxed string with a key", Object.assign(Object("ab"), { label: 1 }), /the key "label"/],
    ["bytes of the user's with a key", Object.assign(Bytes.of(1), { label: 1 }), /the key "label"/],
    [
      "an array with a symbol key",
      Object.assign([1], { [Symbol("s")]: 1 }),
      /symbol key Symbol\(s\)/,
    ],
    [
      "an Error with a symbol of its own",
      Object.assign(new Error("x"), { [Symbol("s")]: 1 }),
      /symbol key Symbol\(s\)/,
    ],
    ["a boxed symbol", Object(Symbol("s")), /a symbol has no/],
    ["a Proxy of a Map", new Proxy(new Map(), {}), /a Map has no/],
    ["a Proxy that was revoked", revoked.proxy, /reading it threw: TypeError/],
    ["a Proxy of an array that was revoked", revokedArray.proxy, /reading it threw: TypeError/],
    [
      "a Proxy that throws",
      new Proxy({}, { ownKeys: throwing }),
      /reading it threw: Error: not now/,
    ],
    [
      "a toJSON that throws what is no text",
      {
        toJSON: () => {
          throw Object.create(null);
        },
      },
      /toJSON method threw: a object/,
    ],
    ["a toJSON that gives itself again and again", selfReplacing, /more than 1000 levels/],
    [
      "a toJSON that gives what is hidden",
      new (class {
        toJSON(): unknown {
          return this;
        }
      })(),
      /without enumerable/,
    ],
    ["errors without an end", longCause, /nested (more than 1000 levels|too) deep/],
    ["a runnable", RunnableLambda.from(() => 1), /LangChain does not serialize a RunnableLambda/],
  ])("%s", (_name, original, reason) => {
    for (const [value, path] of [
      [original, "channel"],
      [{ deep: [original] }, "channel.deep[0]"],
      [new Map([["k", original]]), "channel[0][1]"],
      [
        new HumanMessage({ content: "x", additional_kwargs: { original } }),
        "channel.additional_kwargs.original",
      ],
    ] as const) {
      const refusal = refusalOf(value) as Error & { path: string };
      expect(refusal).toMatchObject({ code: "UNSERIALIZABLE_STATE", channel: "channel" });
      expect(refusal.path.startsWith(path)).toBe(true);
      expect(refusal.message).toMatch(reason);
    }
  });

  it.each<[string, object, string]>([
    [
      "a getter",
      {
        a: {
          get b(): unknown {
            return throwing();
          },
        },
      },
      "channel.a.b",
    ],
    [
      "an Error's getter",
      { e: Object.defineProperty(new Error("x"), "cause", { get: throwing }) },
      "channel.e",
    ],
    [
      "an item's getter",
      [0, Object.defineProperty([1], 0, { get: throwing, enumerable: true })],
      "channel[1][0]",
    ],
    [
      "a message's getter",
      [Object.defineProperty(new AIMessage("x"), "content", { get: throwing, enumerable: true })],
      "channel[0].content",
    ],
  ])("what %s throws", (_name, original, path) => {
    expect(refusalOf(original)).toMatchObject({ code: "UNSERIALIZABLE_STATE", path });
    expect(String(refusalOf(original))).toContain("reading it threw: Error: not now");
  });
});

describe("beside LangGraph's own serializer", () => {
  const serializer = new JsonPlusSerializer();
  const throughJsonPlus = async (value: unknown): Promise<unknown> =>
    serializer.loadsTyped(...(await serializer.dumpsTyped(value)));

  // LangGraph's serializer loses a "__proto__".
  const key = fc
    .oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("a", "id", "type", "node", "args"))
    .filter((name) => name !== "__proto__");
  const text = fc.string({ unit: "grapheme" });
  const leaf = fc.oneof(
    text,
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.boolean(),
    fc.constantFrom(null, undefined),
    fc.uint8Array().map((bytes) => Uint8Array.from(bytes)),
    fc.constantFrom(/a+/gi, /\d/u),
  );
  /** What LangGraph's serializer gives back as it was, and what it makes something else of. */
  const ordinary = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthIdentifier: "ordinary" },
      leaf,
      fc.array(tie("value"), { maxLength: 5, depthIdentifier: "ordinary" }),
      fc.dictionary(key, tie("value"), { maxKeys: 5, noNullPrototype: true }),
      fc
        .array(fc.tuple(tie("value"), tie("value")), { maxLength: 3 })
        .map((entries) => new Map(entries)),
      fc.array(tie("value"), { maxLength: 3 }).map((items) => new Set(items)),
      tie("value").map((value) => Object.assign(new Point(), { value, list: [] })),
      // What it gives is not asked again for its own.
      fc.array(leaf).map((value) => ({ toJSON: () => value })),
      tie("value").map((value) => new DeltaSnapshot(value)),
      tie("value").map((args) => ({ lg_name: "Send", node: "n", args })),
      fc
        // In messages LangChain itself loses all but JSON.
        .tuple(fc.dictionary(key, fc.oneof(text, fc.nat()), { noNullPrototype: true }), text)
        .map(
          ([additional_kwargs, content]) =>
            new HumanMessage({ content, id: "m", additional_kwargs }),
        ),
    ),
  })).value;

  it("gives the same for whatever that one gives back faithfully", async () => {
    await fc.assert(
      fc.asyncProperty(ordinary, async (value) => {
        const expected = await throughJsonPlus(value);
        const decoded = await roundTrip(value);
        expect(isDeepStrictEqual(withoutArguments(decoded), withoutArguments(expected))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  /** Takes off messages what their constructors were given, which these may tidy up. */
  function withoutArguments(value: unknown): unknown {
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
    if (HumanMessage.isInstance(value)) Reflect.deleteProperty(value, "lc_kwargs");
    const parts = types.isMap(value) || types.isSet(value) ? [...value] : Object.values(value);
    for (const part of parts) withoutArguments(part);
    return value;
  }

  const UNUSUAL: readonly (() => unknown)[] = [
    () => new Date(0),
    () => Object.assign(["x"], { index: 1 }),
    () => withHoles({ 1: -0 }, 3),
    () => new Headers({ a: "1" }),
    () => new URLSearchParams("a=1"),
    () => new Hidden(),
    () => [].values(),
    () => new Intl.Collator(),
    () => Object.assign(new Date(0), { a: 1 }),
    () => Object.assign(new Error("x"), { name: "X", at: -0 }),
    () => new AggregateError([1n], "x"),
    () => Promise.resolve(1),
    () => Symbol.iterator,
    () => new WeakRef({}),
    () => new Blob([]),
    () => Buffer.from("abc"),
    () =>
      Object.defineProperty({}, "a", {
        enumerable: true,
        get: () => {
          throw new Error("x");
        },
      }),
    () => ({ [Symbol("s")]: 1 }),
    () => 1n,
    () => Number.NaN,
    () => ({ $: "langchain", v: "" }),
  ];
  const unusual = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthIdentifier: "unusual" },
      fc.constantFrom(...UNUSUAL).map((make) => make()),
      leaf,
      fc.array(tie("value"), { maxLength: 4, depthIdentifier: "unusual" }),
      fc.dictionary(fc.oneof(key, fc.constantFrom("$", "__proto__", "lg_name")), tie("value"), {
        maxKeys: 4,
        noNullPrototype: true,
      }),
      fc
        .array(fc.tuple(tie("value"), tie("value")), { maxLength: 3 })
        .map((entries) => new Map(entries)),
      tie("value").map((cause) => new Error("x", { cause })),
    ),
  })).value;

  async function storeAndCompare(value: unknown): Promise<string> {
    const refusal = refusalOf(value);
    if (refusal === undefined) {
      return findDifference(await roundTrip(value), value) ?? "the same";
    }
    const { code, path } = refusal as { code?: unknown; path?: unknown };
    return code === "UNSERIALIZABLE_STATE" && String(path).startsWith("channel")
      ? "refused with a path"
      : String((refusal as Error).stack);
  }

  it("gives anything else back deeply equal, or refuses it with a path", async () => {
    const outcomes: Record<string, number> = {};
    await fc.assert(
      fc.asyncProperty(unusual, async (value) => {
        const outcome = await storeAndCompare(value);
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      }),
      { numRuns: 400 },
    );
    expect(Object.keys(outcomes).toSorted()).toEqual(["refused with a path", "the same"]);
    expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(50);
  });
});
