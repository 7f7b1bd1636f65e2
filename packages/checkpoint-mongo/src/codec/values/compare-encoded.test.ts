import {
  AIMessage,
  AIMessageChunk,
  HumanMessage,
  RemoveMessage,
  SystemMessage,
  ToolMessage,
  type BaseMessage,
  type BaseMessageFields,
} from "@langchain/core/messages";
import { Document } from "@langchain/core/documents";
import { DeltaSnapshot } from "@langchain/langgraph-checkpoint";
import * as fc from "fast-check";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { isEncodedAs as isEncodedAsTree, isValueEncodedAs } from "./compare-encoded.ts";
import { decodeValue } from "./decode-value.ts";
import { shareEmpty } from "./empty-trees.ts";
import { encodeMember, encodeValue } from "./encode-value.ts";
import { hasForm, layOutMessage } from "./message-form.ts";

class Point {
  x: unknown = 1;
  readonly list = [new Date(0)];
}

class Money {
  readonly cents: unknown;
  constructor(cents: unknown) {
    this.cents = cents;
  }
  toJSON(): unknown {
    return { cents: this.cents };
  }
}

/** Values that each call makes again, so that a change in place affects one test only. */
const LEAVES: readonly (() => unknown)[] = [
  () => 0,
  () => -0,
  () => Number.NaN,
  () => Infinity,
  () => 1.5,
  () => 12n,
  () => "",
  () => "text",
  () => 'a "quoted" text\nof two lines',
  () => "\uD800 alone",
  () => "undefined",
  () => null,
  () => undefined,
  () => true,
  () => new Date(0),
  () => new Date(Number.NaN),
  () => /a+/g,
  () => new Uint8Array([1, 2]),
  () => Buffer.from("abc"),
  () => new URL("http://a/"),
  () => new Error("x", { cause: -0 }),
  () => Object("boxed") as unknown,
  () => [],
  () => ({}),
  () => Object.create(null) as unknown,
  () => Object.assign([], { 1: "after a hole", length: 3 }),
  () => Object.assign(["x"], { index: 1 }),
  () => ({ $: "undefined" }),
  () => ({ $: "message", v: ["HumanMessage", {}] }),
  () => ({ lg_name: "Send", node: "n", args: 1 }),
  () => ({ lg_name: "Send", node: "n", other: 1 }),
  () => Object.defineProperty({}, "computed", { get: () => "got", enumerable: true }),
  () => runInNewContext("({ other: ['realm'] })") as unknown,
  () => new HumanMessage("hello"),
  () => Object.assign(new HumanMessage("hello"), { id: "set since" }),
  () => Object.assign(new AIMessage("hello"), { own: [1] }),
  () =>
    new AIMessage({
      id: "1",
      content: [{ type: "text", text: "part" }],
      tool_calls: [{ id: "c", name: "search", args: { query: "a", at: new Date(1) } }],
    }),
  () => Object.assign(new AIMessageChunk({ content: "" }), { usage_metadata: undefined }),
  () => new ToolMessage({ content: "done", tool_call_id: "c", artifact: { deep: [1] } }),
  () => new RemoveMessage({ id: "1" }),
  () => new Document({ pageContent: "page", metadata: { at: 1 } }),
  () => new Proxy({ a: 1 }, {}),
  () => new Proxy([1], {}),
];

const leaf = fc.constantFrom(...LEAVES).map((make) => make());
const key = fc.oneof(
  fc.constantFrom("a", "b", "1", "0", "$", "v", "__proto__", "lg_name", "toJSON", "constructor"),
  fc.string({ maxLength: 4 }),
);

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: "compared" },
    leaf,
    fc.array(tie("value"), { maxLength: 4, depthIdentifier: "compared" }),
    fc.dictionary(key, tie("value"), { maxKeys: 4 }),
    fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 3 }).map((items) => new Map(items)),
    fc.array(tie("value"), { maxLength: 3 }).map((items) => new Set(items)),
    tie("value").map((x) => Object.assign(new Point(), { x })),
    tie("value").map((cents) => new Money(cents)),
    tie("value").map((inner) => new DeltaSnapshot(inner)),
    fc
      .dictionary(key, tie("value"), { maxKeys: 3 })
      .map((additional_kwargs) => new AIMessage({ content: "x", id: "m", additional_kwargs })),
  ),
}));

const messageMaker = fc
  .record({
    id: fc.constantFrom(undefined, "1"),
    name: fc.constantFrom(undefined, "name"),
    additional_kwargs: fc.dictionary(key, leaf, { maxKeys: 2 }),
    own: fc.boolean(),
    read: fc.boolean(),
    makeOf: fc.constantFrom<((fields: BaseMessageFields) => BaseMessage)[]>(
      (fields) => new AIMessage(fields),
      (fields) => new HumanMessage(fields),
      (fields) => new SystemMessage(fields),
    ),
  })
  .map(({ id, name, additional_kwargs, own, read, makeOf }) => () => {
    const fields = { content: "text", additional_kwargs };
    const made = makeOf({
      ...fields,
      ...(id !== undefined && { id }),
      ...(name !== undefined && { name }),
    });
    if (own) Object.assign(made, { own: 1 });
    return read ? decodeValue(encodeValue(made, "channel")) : made;
  });

/** All objects in a value, also those that its encoding does not show. */
function listObjects(root: unknown, found = new Set<object>()): Set<object> {
  if (typeof root !== "object" || root === null || found.has(root)) return found;
  found.add(root);
  for (const name of Reflect.ownKeys(root)) {
    const part: unknown = Object.getOwnPropertyDescriptor(root, name)!.value;
    listObjects(part, found);
  }
  if (root instanceof Map) for (const part of [...root].flat()) listObjects(part, found);
  if (root instanceof Set) for (const part of root) listObjects(part, found);
  return found;
}

type Changed = Record<PropertyKey, unknown>;
type Change = (object: Changed, name: PropertyKey, other: unknown) => void;

const hidden = { configurable: true, enumerable: false, writable: true };
const shown = { ...hidden, enumerable: true };
const addHidden =
  (name: PropertyKey, make: (object: Changed) => unknown): Change =>
  (object) =>
    Object.defineProperty(object, name, { ...hidden, value: make(object) });

/** Ways to change an object in place, at one of its keys or with another value. */
const CHANGES: Readonly<Record<string, Change>> = {
  "sets a key": (object, name, other) => (object[name] = other),
  "sets a key to what it holds": (object, name) => Object.assign(object, { [name]: object[name] }),
  "turns the sign": (object, name) => (object[name] = -(object[name] as number)),
  "deletes a key": (object, name) => Reflect.deleteProperty(object, name),
  "adds a key": (object, _name, other) => (object["added"] = other),
  "moves a key to the end": (object, name) => {
    const moved = object[name];
    if (!Reflect.deleteProperty(object, name)) return;
    Object.defineProperty(object, name, { ...shown, value: moved });
  },
  "hides a key": (object, name) => Object.defineProperty(object, name, { enumerable: false }),
  "makes a key a getter of the same": (object, name) => {
    const held = object[name];
    Object.defineProperty(object, name, { configurable: true, get: () => held });
  },
  "makes a key a getter of another": (object, name, other) =>
    Object.defineProperty(object, name, { configurable: true, get: () => other }),
  "makes a key a getter that throws": (object, name) =>
    Object.defineProperty(object, name, {
      configurable: true,
      get: () => {
        throw new Error("not now");
      },
    }),
  "adds a symbol": (object) => (object[Symbol("s")] = 1),
  "adds a hidden symbol": addHidden(Symbol.for("s"), () => 1),
  "adds a hidden toStringTag": addHidden(Symbol.toStringTag, () => "Tag"),
  "adds a hidden toJSON": addHidden("toJSON", () => () => "json"),
  "adds a hidden toJSON of itself": addHidden("toJSON", (object) => () => object),
  "adds a hidden lg_name": addHidden("lg_name", () => "Send"),
  "adds a hidden $": addHidden("$", () => "undefined"),
  "adds a hidden constructor": addHidden("constructor", () => HumanMessage),
  "adds a function": (object) => (object["called"] = () => 1),
  "takes the prototype away": (object) => Reflect.setPrototypeOf(object, null),
  "becomes a plain object": (object) => Reflect.setPrototypeOf(object, Object.prototype),
  "becomes a Point": (object) => Reflect.setPrototypeOf(object, Point.prototype),
  "becomes Money": (object) => Reflect.setPrototypeOf(object, Money.prototype),
  "becomes an AIMessage": (object) => Reflect.setPrototypeOf(object, AIMessage.prototype),
  "inherits from another object": (object) => Reflect.setPrototypeOf(object, { inherited: 1 }),
  "contains itself": (object, name) => (object[name] = object),
  "grows longer": (object) => (object["length"] = Number(object["length"]) + 1),
  "is frozen": (object) => Object.freeze(object),
  "changes what a Map, a Set or a Date holds": (object, _name, other) => {
    if (object instanceof Map) object.set(other, 1);
    if (object instanceof Set) object.add(other);
    if (object instanceof Date) object.setTime(1);
    if (object instanceof Uint8Array) object.fill(9);
  },
};

function change(root: unknown, kind: string, where: number, other: unknown): void {
  const objects = [...listObjects(root)];
  const object = objects[where % objects.length] as Changed | undefined;
  if (object === undefined) return;
  const names = Reflect.ownKeys(object);
  try {
    CHANGES[kind]!(object, names.length === 0 ? "a" : names[where % names.length]!, other);
  } catch {
    // Some cannot be changed in some ways.
  }
}

function encodeOrRefuse(container: object, name: string | number): string | undefined {
  try {
    return encodeMember(container, name, "channel");
  } catch {
    return undefined;
  }
}

/** Compares with a tree as JSON gives it, and as shadows have it. */
function isEncodedAs(container: object, name: string | number, tree: unknown): boolean {
  const isFound = isEncodedAsTree(container, name, tree);
  const shared = shareEmpty(JSON.parse(JSON.stringify(tree)));
  expect(isEncodedAsTree(container, name, shared, layOutMessage(shared))).toBe(isFound);
  return isFound;
}

describe("a value is found to be encoded as a text", () => {
  it("if it was, and the text is what JSON makes of its tree", () => {
    fc.assert(
      fc.property(value, (original) => {
        const state = { item: { part: original } };
        const text = encodeOrRefuse(state, "item");
        fc.pre(text !== undefined);
        const tree: unknown = JSON.parse(text);
        expect(JSON.stringify(tree)).toBe(text);
        expect(isEncodedAs(state, "item", tree)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each(Object.keys(CHANGES))("after it %s, just if it still is", (kind) => {
    fc.assert(
      fc.property(value, fc.nat(), value, (original, where, other) => {
        const holder = { part: original };
        const state = { item: [holder] };
        const text = encodeOrRefuse(state, "item");
        fc.pre(text !== undefined);
        const tree: unknown = JSON.parse(text);
        change(holder, kind, where, other);
        expect(isEncodedAs(state, "item", tree)).toBe(encodeOrRefuse(state, "item") === text);
        // As a whole, what is of a kind that is seldom met is left to the encoder.
        const whole = encodeOrRefuse(holder, "part");
        const part = (JSON.parse(text) as [{ part: unknown }])[0].part;
        const isFound = isEncodedAs(holder, "part", part);
        expect(isFound && whole !== JSON.stringify(part)).toBe(false);
      }),
      { numRuns: 250 },
    );
  });

  it.each(Object.keys(CHANGES))("after a message %s, just if it still is", (kind) => {
    fc.assert(
      fc.property(messageMaker, fc.nat(), value, (make, where, other) => {
        const state = [make()];
        const text = encodeMember(state, 0, "channel");
        change(state[0], kind, where, other);
        const isFound = isEncodedAs(state, 0, JSON.parse(text));
        expect(isFound && encodeOrRefuse(state, 0) !== text).toBe(false);
      }),
      { numRuns: 250 },
    );
  });

  it("just if two values are encoded alike", () => {
    fc.assert(
      fc.property(value, value, (one, other) => {
        const text = encodeOrRefuse([[one]], 0);
        fc.pre(text !== undefined);
        const isAlike = encodeOrRefuse([[other]], 0) === text;
        expect(isEncodedAs([[other]], 0, JSON.parse(text))).toBe(isAlike);
      }),
      { numRuns: 1_000 },
    );
  });

  it("by every field of a message, and by none of what only its constructor was given", () => {
    const make = () =>
      new AIMessage({
        id: "1",
        content: "content",
        name: "name",
        additional_kwargs: { a: [{ deep: 1 }] },
        response_metadata: { model: "m" },
        tool_calls: [{ id: "c", name: "search", args: { query: "q" } }],
        ...({ usage_metadata: { input_tokens: 1 } } as object),
      });
    const text = encodeValue(make(), "channel");
    const changes: ((message: AIMessage) => unknown)[] = [
      (message) => (message.id = "2"),
      (message) => (message.content = "other"),
      (message) => (message.name = "other"),
      (message) => ((message.additional_kwargs["a"] as { deep: number }[])[0]!.deep = 2),
      (message) => (message.response_metadata = { model: "n" }),
      (message) => (message.tool_calls![0]!.args["query"] = "r"),
      (message) => Object.assign(message.usage_metadata as unknown as object, { input_tokens: 9 }),
      (message) => (message.lc_kwargs = { ...message.lc_kwargs, more: 1 }),
      (message) => (message.lc_kwargs = { content: "other" }),
      (message) => (message.lc_kwargs["content"] = "not shown"),
      (message) => Object.assign(message, { own: 1 }),
      (message) => Object.assign(message, { own: undefined }),
      (message) => Object.assign(message, { [Symbol("s")]: 1 }),
      (message) => Reflect.deleteProperty(message, "name"),
      (message) => {
        Reflect.deleteProperty(message, "usage_metadata");
        message.lc_kwargs["usage_metadata"] = { input_tokens: 2 };
      },
    ];
    const verdicts = changes.map((apply) => {
      const message = make();
      apply(message);
      const isAlike = encodeOrRefuse([message], 0) === text;
      expect(isValueEncodedAs(message, JSON.parse(text))).toBe(isAlike);
      expect(isEncodedAs([message], 0, JSON.parse(text))).toBe(isAlike);
      return isAlike;
    });
    expect(verdicts.filter(Boolean)).toHaveLength(3);
  });

  it.each<BaseMessage>([
    new HumanMessage({ content: "hello", id: "1" }),
    new AIMessage({ content: "", id: "1", tool_calls: [{ name: "search", args: { a: [1, {}] } }] }),
    new ToolMessage({ content: [{ type: "text", text: "done" }], tool_call_id: "c" }),
    new SystemMessage("be kind"),
  ])("without being taken apart, if it is a message as it was read: %o", (message) => {
    const text = encodeValue(message, "channel");
    const form = layOutMessage(JSON.parse(text))!;
    const isSame = (part: unknown, _key: string, tree: unknown) => isValueEncodedAs(part, tree);
    expect(hasForm(decodeValue(text), form, isSame)).toBe(true);
  });

  it.each<[unknown, unknown]>([
    [0, -0],
    [0, Number.NaN],
    [1, "1"],
    [1, 1n],
    [1, true],
    [Infinity, "Infinity"],
    [null, undefined],
    [null, Number.NaN],
    [null, ""],
    [undefined, { $: "undefined" }],
    [undefined, [undefined]],
    [[], {}],
    [[undefined], Object.assign([], { length: 1 })],
    [["a"], { 0: "a" }],
    [{ a: undefined }, {}],
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    [{ $: "undefined" }, { $: "object", v: { $: "undefined" } }],
    [new Date(0), new Date(0).toISOString()],
    [new Date(0), new Date(Number.NaN)],
    [new Map(), new Set()],
    [new Map([["a", 1]]), { a: 1 }],
    [Object("boxed"), "boxed"],
    [Object.assign(new Point(), { x: 1 }), { x: 1, list: [new Date(0)] }],
    [new Money(1), { cents: 1 }],
    [new HumanMessage("x"), new AIMessage("x")],
    [new HumanMessage("x"), new HumanMessage({ content: "x", id: undefined as never })],
    [
      { lg_name: "Send", node: "n", args: 1 },
      { node: "n", args: 1 },
    ],
  ])("of two that look alike just if the encoder says so: %o, %o", (one, other) => {
    for (const [first, second] of [
      [one, other],
      [other, one],
    ]) {
      const text = encodeValue({ part: [first] }, "channel");
      const isAlike = encodeValue({ part: [second] }, "channel") === text;
      expect(isValueEncodedAs({ part: [second] }, JSON.parse(text))).toBe(isAlike);
    }
  });

  it("by its own keys alone, whatever others have added to all objects", () => {
    const text = encodeValue([{ a: 1, added: 2 }], "channel");
    Reflect.defineProperty(Object.prototype, "added", { ...shown, value: 2 });
    try {
      expect(isValueEncodedAs([{ a: 1, added: 2 }], JSON.parse(text))).toBe(true);
      expect(isValueEncodedAs([{ a: 1 }], JSON.parse(text))).toBe(false);
    } finally {
      Reflect.deleteProperty(Object.prototype, "added");
    }
  });

  it("however deep it is nested, where it could be encoded", () => {
    const nest = (depth: number) => {
      let nested: unknown = "innermost";
      for (let level = 0; level < depth; level += 1)
        nested = level % 2 === 0 ? [nested] : { nested };
      return nested;
    };
    const tree: unknown = JSON.parse(encodeValue(nest(999), "channel"));
    expect(isValueEncodedAs(nest(999), tree)).toBe(true);
    expect(isValueEncodedAs(nest(998), tree)).toBe(false);
    expect(isValueEncodedAs(nest(100_000), tree)).toBe(false);
  });
});
