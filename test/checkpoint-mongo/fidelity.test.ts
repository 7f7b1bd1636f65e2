import { AIMessage, HumanMessage } from "@langchain/core/messages";
import {
  Annotation,
  Command,
  interrupt,
  Overwrite,
  Send,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { JsonPlusSerializer } from "@langchain/langgraph-checkpoint";
import { UnserializableStateError } from "@threadkeep/checkpoint-mongo";
import { Binary, Decimal128, Double, Int32, Long, ObjectId, Timestamp, UUID } from "mongodb";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

/** Long enough for a channel to have segments of its own. */
const LONG = "x".repeat(400);

let threads = 0;

/** What another process reads of a value that is a channel, an item, an entry, metadata, a write. */
async function storeEverywhere(value: unknown): Promise<Record<string, unknown>> {
  threads += 1;
  const saver = database.openSaver();
  const channels = {
    channel: value,
    list: [LONG, value],
    map: { long: LONG, entry: value },
    nested: new Map([["k", { deep: [value, LONG] }]]),
  };
  const config = await putCheckpoint(
    saver,
    threadConfig(`thread-${threads}`),
    makeCheckpoint(channels),
    makeMetadata({ extra: value }),
  );
  await saver.putWrites(config, [["written", value]], "task");
  const tuple = (await database.openSaverElsewhere().getTuple(config))!;
  const { channel, list, map, nested } = tuple.checkpoint.channel_values as typeof channels;
  return {
    channel,
    item: list[1],
    entry: map.entry,
    nested: nested.get("k")!.deep[0],
    metadata: (tuple.metadata as unknown as { extra: unknown }).extra,
    written: tuple.pendingWrites![0]![2],
  };
}

async function throughJsonPlus(value: unknown): Promise<unknown> {
  const serializer = new JsonPlusSerializer();
  return serializer.loadsTyped(...(await serializer.dumpsTyped(value)));
}

const precious = { at: new Date(0), map: new Map([[1n, Buffer.from("abc")]]), not: Number.NaN };

describe("LangGraph's own objects come back as from its serializer, wherever they are", () => {
  it.each<[string, (content: unknown) => unknown, (content: unknown) => unknown]>([
    ["a Send", (args) => new Send("work", args), (args) => ({ node: "work", args })],
    [
      "a Send with a timeout",
      (args) => new Send("work", args, { timeout: 5 }),
      (args) => ({ node: "work", args, timeout: new Send("work", 0, { timeout: 5 }).timeout }),
    ],
    [
      "a Send of another copy",
      (args) => ({ lg_name: "Send", node: "work", args }),
      (args) => ({ node: "work", args }),
    ],
    ["an Overwrite", (value) => new Overwrite(value), (value) => ({ __overwrite__: value })],
    ["an interrupt", (value) => ({ id: "1", value }), (value) => ({ id: "1", value })],
    [
      "a Command",
      (update) =>
        new Command({
          update: update as Record<string, unknown>,
          goto: ["a", new Send("b", update)],
        }),
      (update) => ({
        lg_name: "Command",
        update,
        resume: undefined,
        goto: ["a", { node: "b", args: update }],
      }),
    ],
  ])("%s", async (_name, make, expected) => {
    const ordinary = { text: LONG, list: [1, null, { deep: true }] };
    for (const found of Object.values(await storeEverywhere(make(ordinary)))) {
      expect(found).toStrictEqual(await throughJsonPlus(make(ordinary)));
    }
    for (const found of Object.values(await storeEverywhere(make(precious)))) {
      expect(found).toStrictEqual(expected(precious));
    }
  });

  it("so that a graph resumes with what it sent", async () => {
    const State = Annotation.Root({
      results: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
      answered: Annotation<boolean>,
    });
    const compile = (checkpointer: ReturnType<typeof database.openSaver>) =>
      new StateGraph(State)
        .addNode("plan", () => ({}))
        .addNode("work", ({ at }: { at: Date }) => ({
          results: [`${interrupt("sure?")} at ${at.toISOString()}`],
        }))
        .addEdge(START, "plan")
        .addConditionalEdges("plan", () => [new Send("work", { at: new Date(0) })], ["work"])
        .compile({ checkpointer });
    const config = threadConfig("sent");
    await compile(database.openSaver()).invoke({ answered: false }, config);
    const resumed = compile(database.openSaverElsewhere());
    const state = await resumed.invoke(new Command({ resume: "yes" }), config);
    expect(state.results).toEqual(["yes at 1970-01-01T00:00:00.000Z"]);
  });
});

describe("documents of MongoDB come back as from LangGraph's serializer, or better", () => {
  it("the driver's classes as their toJSON returns them", async () => {
    const document = {
      _id: new ObjectId("65f000000000000000000001"),
      price: Decimal128.fromString("1.50"),
      long: Long.fromString("9007199254740993"),
      count: new Int32(1),
      ratio: new Double(1.5),
      bytes: new Binary(Buffer.from("abc")),
      uuid: new UUID("00112233-4455-6677-8899-aabbccddeeff"),
      time: new Timestamp({ t: 1, i: 2 }),
    };
    const expected = await throughJsonPlus(document);
    for (const found of Object.values(await storeEverywhere(document))) {
      expect(found).toStrictEqual(expected);
    }
  });

  it("dates and bytes as they were", async () => {
    const document = { created: new Date(0), file: Buffer.from("abc"), tags: ["a"] };
    for (const found of Object.values(await storeEverywhere(document))) {
      expect(found).toStrictEqual(document);
    }
  });
});

describe("the type of a channel's value, not its form, decides how it is stored", () => {
  const holes = Object.assign([], { 0: LONG, 2: LONG, length: 5 });
  it.each<[string, unknown]>([
    ["the match of a RegExp", /(x+)/.exec(LONG)],
    ["an array with holes", holes],
    ["an array with a key of its own", Object.assign([LONG], { columns: [LONG] })],
    ["a map with a key that looks like a tag", { $: "langchain", v: LONG }],
    ["headers", new Headers({ long: LONG })],
    ["search parameters", new URLSearchParams({ long: LONG })],
    ["an error with a name of its own", Object.assign(new Error(LONG), { name: "Own" })],
  ])("%s comes back as it was", async (_name, value) => {
    for (const found of Object.values(await storeEverywhere(value))) {
      expect(found).toStrictEqual(value);
      expect(Object.keys(found as object)).toEqual(Object.keys(value as object));
    }
  });
});

describe("a value that cannot come back is refused with its path, and nothing is stored", () => {
  class Hidden {
    readonly #value = 1;
    get value(): number {
      return this.#value;
    }
  }
  const getter = {
    get broken(): unknown {
      throw new Error("not now");
    },
  };
  const revoked = Proxy.revocable([], {});
  revoked.revoke();

  it.each<[string, unknown, string]>([
    ["a Response", { answer: new Response("x"), LONG }, "state.answer"],
    ["a private field", [LONG, new Hidden()], "state[1]"],
    ["an iterator", [LONG].values(), "state"],
    [
      "a getter that throws, in a map",
      Object.assign(Object.create(null), { LONG, getter }),
      "state.getter.broken",
    ],
    ["a getter that throws, of the channel itself", getter, "state.broken"],
    [
      "an item that throws",
      Object.defineProperty([LONG, 1], 1, { get: () => getter.broken, enumerable: true }),
      "state[1]",
    ],
    ["a Proxy that was revoked", revoked.proxy, "state"],
    [
      "a function in a message",
      [new HumanMessage(LONG), new AIMessage({ content: "", additional_kwargs: { f: () => 1 } })],
      "state[1].additional_kwargs.f",
    ],
    ["a Map with a key", Object.assign(new Map([[1, LONG]]), { label: 1 }), "state"],
    ["a symbol key", { [Symbol("s")]: 1, LONG }, "state"],
  ])("%s", async (_name, state, path) => {
    threads += 1;
    const thread = `refused-${threads}`;
    const saver = database.openSaver();
    const first = await putCheckpoint(saver, threadConfig(thread), makeCheckpoint({ state: 1 }));
    const stored = await database.readAll(thread);
    const refused = { code: "UNSERIALIZABLE_STATE", channel: "state", path };
    await expect(
      putCheckpoint(saver, first, makeCheckpoint({ a: 1, state })),
    ).rejects.toMatchObject(refused);
    await expect(
      saver.putWrites(
        first,
        [
          ["a", 1],
          ["state", state],
        ],
        "task",
      ),
    ).rejects.toMatchObject(refused);
    const metadata = makeMetadata({ state });
    const attempt = putCheckpoint(saver, first, makeCheckpoint({ a: 1 }), metadata);
    await expect(attempt).rejects.toBeInstanceOf(UnserializableStateError);
    await expect(attempt).rejects.toMatchObject({ channel: "metadata", path: `metadata.${path}` });
    expect(await database.readAll(thread)).toEqual(stored);
  });
});

it("metadata may have lists under names that every object inherits", async () => {
  const names = Object.getOwnPropertyNames(Object.prototype).filter((n) => n !== "__proto__");
  const metadata = makeMetadata(Object.fromEntries(names.map((name) => [name, [[{}], ["x"]]])));
  const saver = database.openSaver();
  const config = await putCheckpoint(
    saver,
    threadConfig("inherited-names"),
    makeCheckpoint({ a: 1 }),
    metadata,
  );
  expect((await saver.getTuple(config))?.metadata).toEqual(metadata);
});
