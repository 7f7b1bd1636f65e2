import { JsonPlusSerializer, type CacheFullKey } from "@langchain/langgraph-checkpoint";
import { InvalidAddressError, UnserializableStateError } from "@threadkeep/checkpoint-mongo";
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { randomText } from "../random-text.ts";
import { useCacheDatabase } from "./use-cache.ts";

const { database, openCache } = useCacheDatabase();

const key = (name: string): CacheFullKey => [["node"], name];

describe("a value that cannot be stored", () => {
  it.each([
    ["a function", [["channel", { list: [1, () => 1] }]], "value[0][1].list[1]"],
    ["a promise", Promise.resolve(1), "value"],
    ["a symbol", { a: Symbol("s") }, "value.a"],
  ])("is reported with its path, and the others are stored: %s", async (_, value, path) => {
    const { cache, events, collection } = openCache("refused");
    await cache.clear();
    await cache.set([
      { key: key("bad"), value },
      { key: key("good"), value: "good" },
    ]);
    expect(events).toMatchObject([
      { type: "refused-entry", key: "bad", reason: expect.stringContaining(path) as string },
    ]);
    const [event] = events;
    expect(
      event?.type === "refused-entry" && UnserializableStateError.isInstance(event.error),
    ).toBe(true);
    expect(await collection.countDocuments()).toBe(1);
    expect(await cache.get([key("bad"), key("good")])).toMatchObject([{ value: "good" }]);
  });

  it("is reported if it takes more than a document can hold, unless it compresses below that", async () => {
    const { cache, events } = openCache("large");
    const repetitive = randomText(4_096).repeat(6_000);
    await cache.set([
      { key: key("too large"), value: randomText(21_500_000) },
      { key: key("repetitive"), value: repetitive },
    ]);
    expect(events).toMatchObject([{ type: "refused-entry", key: "too large", error: undefined }]);
    const found = await cache.get([key("too large"), key("repetitive")]);
    expect(found.map(({ value }) => value === repetitive)).toEqual([true]);
    expect(events).toHaveLength(1);
  });

  it("that just fits into a document is stored, and one byte more is reported", async () => {
    class Raw extends JsonPlusSerializer {
      override dumpsTyped = async (value: unknown): Promise<[string, Uint8Array]> => [
        "raw",
        value as Uint8Array,
      ];
      override loadsTyped = async (_type: string, bytes: string | Uint8Array): Promise<unknown> =>
        bytes;
    }
    const { cache, events } = openCache("limit", {}, new Raw());
    // What random bytes take cannot be compressed.
    const most = randomBytes(16_777_216 - 16_384 - 512);
    await cache.set([{ key: key("most"), value: most }]);
    await cache.set([{ key: key("more"), value: Buffer.concat([most, Buffer.alloc(1)]) }]);
    expect(events).toMatchObject([{ type: "refused-entry", key: "more" }]);
    const found = await cache.get([key("most"), key("more")]);
    expect(found.map(({ value }) => most.equals(value as Buffer))).toEqual([true]);
  });

  it("several that together are larger than a document are stored and found", async () => {
    const { cache } = openCache("together");
    const pairs = Array.from({ length: 4 }, (_, index) => ({
      key: key(String(index)),
      value: randomText(6_000_000, index),
    }));
    await cache.set(pairs);
    const found = await cache.get(pairs.map((pair) => pair.key));
    expect(found.map(({ value }, index) => value === pairs[index]!.value)).toEqual(
      pairs.map(() => true),
    );
  });

  it("is reported if the user's serializer throws, at once or later", async () => {
    class Failing extends JsonPlusSerializer {
      override dumpsTyped(value: unknown): Promise<[string, Uint8Array]> {
        if (value === "at once") throw new Error("thrown at once");
        if (value === "later") return Promise.reject(new Error("thrown later"));
        return super.dumpsTyped(value);
      }
    }
    const { cache, events } = openCache("serde", {}, new Failing());
    await cache.set(["at once", "later", "fine"].map((value) => ({ key: key(value), value })));
    expect(events.map((event) => event.type === "refused-entry" && event.reason)).toEqual([
      "thrown at once",
      "thrown later",
    ]);
    expect(await cache.get([key("at once"), key("later"), key("fine")])).toHaveLength(1);
  });

  it.each([Number.NaN, "60", {}])("is reported if its ttl is %o", async (ttl) => {
    const { cache, events } = openCache("ttl");
    await cache.set([{ key: key("a"), value: 1, ttl: ttl as number }]);
    expect(events).toMatchObject([{ type: "refused-entry", key: "a" }]);
    expect(await cache.get([key("a")])).toEqual([]);
  });
});

describe("arguments of the wrong type", () => {
  it.each([
    [null, "keys"],
    [["text"], "keys[0]"],
    [[["namespace", "key"]], "keys[0][0]"],
    [[[["a", 1], "key"]], "keys[0][0][1]"],
    [[[["a"], { $ne: null }]], "keys[0][1]"],
    [[[[{ $gt: "" }], "key"]], "keys[0][0][0]"],
  ])("are refused before anything is sent: %j", async (keys, field) => {
    const { cache } = openCache("arguments");
    const commands = await database.recordCommands(async () => {
      const got: unknown = await cache.get(keys as never).catch((error: unknown) => error);
      expect(InvalidAddressError.isInstance(got) && got.field).toBe(field);
      const pairs = keys?.map((each) => ({ key: each, value: 1 }));
      const set: unknown = await cache.set(pairs as never).catch((error: unknown) => error);
      expect(InvalidAddressError.isInstance(set)).toBe(true);
    });
    expect(commands).toEqual([]);
  });

  it.each([[["a"]], [[["a", { $gt: "" }]]], ["a"]])(
    "are refused by clear, and nothing is deleted: %j",
    async (namespaces) => {
      const { cache } = openCache("arguments");
      await cache.set([{ key: key("a"), value: 1 }]);
      await expect(cache.clear(namespaces as never)).rejects.toThrow(InvalidAddressError);
      expect(await cache.get([key("a")])).toHaveLength(1);
    },
  );
});
