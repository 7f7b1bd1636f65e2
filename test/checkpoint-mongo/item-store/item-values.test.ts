import { Serializable } from "@langchain/core/load/serializable";
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { CorruptItemError, UnserializableStateError } from "@threadkeep/checkpoint-mongo";
import * as fc from "fast-check";
import { Decimal128, ObjectId } from "mongodb";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { useStores } from "./use-stores.ts";

const database = useStores();
const store = database.openStore({ collectionName: "store" });

async function roundTrip(value: unknown): Promise<unknown> {
  await store.put(["values"], "k", value as Record<string, unknown>);
  return (await store.get(["values"], "k"))?.value;
}

const VALUES: Record<string, unknown> = {
  "a Map": {
    m: new Map<unknown, unknown>([
      ["a", 1],
      [{ o: 1 }, new Map()],
    ]),
  },
  "a Set": { s: new Set([1, "a", null]) },
  "a BigInt": { small: 5n, large: 2n ** 80n },
  "undefined in an object and a list": { u: undefined, list: [1, undefined, 3] },
  "numbers that JSON lacks": { nz: -0, nan: Number.NaN, inf: Infinity, minus: -Infinity },
  "numbers at the edges": { a: 2 ** 53, b: -(2 ** 31) - 1, c: 5e-324, d: 1.7e308, e: 2 ** 31 },
  "a Buffer": { b: Buffer.from("bytes") },
  "typed arrays": {
    u8: new Uint8Array([1, 2]),
    f32: new Float32Array([0.5, -1]),
    b64: new BigInt64Array([5n]),
    buffer: new Uint8Array([9]).buffer,
  },
  dates: { at: new Date(0), old: new Date(-62_135_596_800_000), far: new Date(8.64e15) },
  "an invalid date": { at: new Date(Number.NaN) },
  "a URL": { u: new URL("https://example.org/a?b#c") },
  "a RegExp": { r: /a+/giu },
  "half a character": { s: "\ud83d", "\udc00": 1 },
  "keys that drivers and servers take for something": {
    $set: { $ne: 1 },
    "a.b": { "c.d": 1 },
    "": 1,
    $ref: "x",
    $id: 5,
    $db: "y",
    _bsontype: "ObjectId",
    _id: 1,
    toString: "text",
    constructor: { name: "x" },
    "nul\0byte": 1,
  },
  "text with a NUL byte": { s: "a\0b" },
  "text that looks like an expression": { s: "$value", t: "$$ROOT", list: ["$a"] },
  "a list as the value": [1, { a: 2 }],
  "keys like numbers": { 10: "a", 2: "b", x: "c" },
  nothing: {},
};

describe("a value comes back as it was:", () => {
  it.each(Object.entries(VALUES))("%s", async (_name, value) => {
    const found = await roundTrip(value);
    expect([found, isDeepStrictEqual(found, value)]).toEqual([found, true]);
  });

  it("__proto__ as data", async () => {
    const value = JSON.parse('{"a": {"__proto__": {"polluted": true}, "b": 1}}') as object;
    const found = (await roundTrip(value)) as { a: object };
    expect(JSON.stringify(found)).toBe(JSON.stringify(value));
    expect("polluted" in found.a).toBe(false);
  });

  it("lists under names that every object has", async () => {
    const names = Object.getOwnPropertyNames(Object.prototype).filter((n) => n !== "__proto__");
    const value = Object.fromEntries(names.map((name) => [name, [[{}], ["x"], 1]]));
    expect(await roundTrip(value)).toEqual(value);
  });

  it("messages as their classes", async () => {
    const messages = [new HumanMessage({ content: "hi", id: "1" }), new AIMessage("hello")];
    const { messages: found } = (await roundTrip({ messages })) as { messages: unknown[] };
    expect(found[0]).toBeInstanceOf(HumanMessage);
    expect(found[1]).toBeInstanceOf(AIMessage);
    expect(found).toMatchObject([{ content: "hi", id: "1" }, { content: "hello" }]);
  });

  it("an Error with its cause and class", async () => {
    const error = new RangeError("too far", { cause: new Error("inner") });
    const { e } = (await roundTrip({ e: error })) as { e: RangeError };
    expect(e).toBeInstanceOf(RangeError);
    expect(e).toMatchObject({ message: "too far", stack: error.stack });
    expect((e.cause as Error).message).toBe("inner");
  });

  it("objects of the driver, which the official store takes too", async () => {
    const value = { id: new ObjectId(), price: Decimal128.fromString("1.10") };
    expect(await roundTrip(value)).toEqual(value);
  });

  it("whatever JSON can say, and in `value` as it is", async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (given) => {
        // As JSON text gives it: `-0` and `__proto__` are tested above.
        const value = JSON.parse(JSON.stringify(given)) as Record<string, unknown>;
        expect(JSON.stringify(await roundTrip(value))).toBe(JSON.stringify(value));
      }),
      { numRuns: 60 },
    );
  });

  it("nested as deeply as 500 levels", async () => {
    let value: unknown = "deep";
    for (let level = 0; level < 500; level += 1) value = { v: value };
    expect(await roundTrip(value)).toEqual(value);
  });
});

describe("a value beyond what BSON can hold", () => {
  it("leaves something to read and to filter by in `value`", async () => {
    await store.put(["readable"], "k", {
      name: "x",
      tags: new Set(["a"]),
      scores: new Map([["b", 2]]),
      count: 5n,
      at: new Date(7),
    });
    const document = await database.collection().findOne({ namespaceStr: "readable" });
    expect(document?.["value"]).toEqual({
      name: "x",
      tags: ["a"],
      scores: { b: 2 },
      count: 5,
      at: new Date(7),
    });
    expect(await store.search(["readable"], { filter: { count: 5, "scores.b": 2 } })).toMatchObject(
      [{ value: { tags: new Set(["a"]) } }],
    );
  });

  it("is refused beside an object of the driver, which text cannot hold", async () => {
    const error: unknown = await roundTrip({ a: [new ObjectId()], m: new Map() }).catch(
      (thrown: unknown) => thrown,
    );
    expect(UnserializableStateError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ path: "value.a.0" });
  });

  it("is refused where it would not be read again, and nothing of its batch is stored", async () => {
    class Unknown extends Serializable {
      override lc_serializable = true;
      override lc_namespace = ["nowhere"];
    }
    const put = (key: string, value: object) => ({ namespace: ["unloadable"], key, value });
    const batch = [put("good", { a: 1 }), put("bad", { held: new Unknown({ a: 1 }) })];
    await expect(store.batch(batch)).rejects.toMatchObject({
      code: "UNSERIALIZABLE_STATE",
      message: expect.stringContaining("allowedObjects") as string,
    });
    expect(await store.search(["unloadable"])).toEqual([]);
  });

  it.each(['{"tags":{"$":"set","v":["b"]}}', "{", '{"$":"unknown"}', ""])(
    "is a typed error, never a value, if its text was changed to %j",
    async (exact) => {
      await store.put(["damaged"], "k", { tags: new Set(["a"]) });
      const where = { namespaceStr: "damaged" };
      await database.collection().updateOne(where, { $set: { "threadkeep.exact": exact } });
      for (const read of [() => store.get(["damaged"], "k"), () => store.search(["damaged"])]) {
        const error: unknown = await read().catch((thrown: unknown) => thrown);
        expect(CorruptItemError.isInstance(error)).toBe(true);
        expect(error).toMatchObject({ code: "CORRUPT_ITEM", namespace: ["damaged"], key: "k" });
      }
      await store.put(["damaged"], "k", { tags: new Set(["c"]) });
      expect((await store.get(["damaged"], "k"))?.value).toEqual({ tags: new Set(["c"]) });
    },
  );
});
