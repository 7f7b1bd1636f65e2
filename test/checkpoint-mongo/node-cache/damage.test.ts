import { HumanMessage } from "@langchain/core/messages";
import { JsonPlusSerializer, type CacheFullKey } from "@langchain/langgraph-checkpoint";
import type { Document } from "mongodb";
import { describe, expect, it } from "vitest";
import { useCacheDatabase, type TestCache } from "./use-cache.ts";

const { openCache } = useCacheDatabase();

const KEY: CacheFullKey = [["graph", "node"], "key"];
const OTHER: CacheFullKey = [["graph", "node"], "other"];
const VALUE = [["messages", [new HumanMessage("a question ".repeat(30))]]];

async function fill({ cache }: TestCache): Promise<void> {
  await cache.set([
    { key: KEY, value: VALUE },
    { key: OTHER, value: "other" },
  ]);
}

/** The bytes of a stored field, with one bit of them turned. */
function flipBit(value: unknown): Buffer {
  const bytes = Buffer.from((value as { buffer: Uint8Array }).buffer);
  bytes[bytes.length >> 1]! ^= 1;
  return bytes;
}

const DAMAGES: Record<string, (entry: Document, other: Document) => Document> = {
  "a bit of its data": ({ data }) => ({ $set: { data: flipBit(data) } }),
  "a bit of its hash": ({ hash }) => ({ $set: { hash: flipBit(hash) } }),
  "the end of its data": ({ data }) => ({
    $set: { data: Buffer.from((data as { buffer: Uint8Array }).buffer.subarray(0, 10)) },
  }),
  "its data, lost": () => ({ $unset: { data: 1 } }),
  "its hash, lost": () => ({ $unset: { hash: 1 } }),
  "its compression, lost": () => ({ $unset: { compression: 1 } }),
  "its compression, another": () => ({ $set: { compression: "zstd" } }),
  "its type": () => ({ $set: { type: "json" } }),
  "its type, no text": () => ({ $set: { type: 5 } }),
  "its data, a text": () => ({ $set: { data: "text" } }),
  "its content, that of another entry": (_, other) => ({
    $set: { data: other["data"] as unknown, hash: other["hash"] as unknown },
    $unset: { compression: 1 },
  }),
};

describe("an entry that is not as it was written", () => {
  it.each(Object.keys(DAMAGES))(
    "is a miss that is reported, and the others are found: %s",
    async (name) => {
      const test = openCache("damaged");
      await test.cache.clear();
      await fill(test);
      const entries = await test.collection.find().toArray();
      const entry = entries.find(({ label }) => String(label).includes('"key"'))!;
      const other = entries.find(({ label }) => String(label).includes('"other"'))!;
      await test.collection.updateOne({ _id: entry._id }, DAMAGES[name]!(entry, other));
      expect(await test.cache.get([KEY, OTHER])).toEqual([{ key: OTHER, value: "other" }]);
      expect(test.events).toMatchObject([
        { type: "unreadable-entry", namespace: KEY[0], key: KEY[1] },
      ]);
      // What is computed anew mends it.
      await test.cache.set([{ key: KEY, value: VALUE }]);
      expect(await test.cache.get([KEY])).toEqual([{ key: KEY, value: VALUE }]);
    },
  );

  it("is not returned because of its dates and sizes either", async () => {
    const test = openCache("odd");
    for (const odd of ["text", 5, {}, [], true]) {
      await fill(test);
      const set = { expires_at: odd, written_at: odd, bytes: "many" };
      await test.collection.updateMany({}, { $set: set });
      const found = await test.cache.get([KEY, OTHER]);
      expect(found.every(({ key, value }) => key !== OTHER || value === "other")).toBe(true);
    }
    expect(test.events).toEqual([]);
  });
});

describe("an entry of a cache with other settings", () => {
  it("is a miss that is reported: another integrity key, or none", async () => {
    const key = "0123456789abcdef";
    const [none, one, two] = [undefined, { key }, { key: `${key}0` }].map((integrity) =>
      openCache("keys", { integrity }),
    ) as [TestCache, TestCache, TestCache];
    for (const [writer, readers] of [
      [one, [two, none]],
      [none, [one]],
    ] as const) {
      await writer.cache.set([{ key: KEY, value: 1 }]);
      expect(await writer.cache.get([KEY])).toHaveLength(1);
      for (const reader of readers) {
        expect(await reader.cache.get([KEY])).toEqual([]);
        expect(reader.events.at(-1)).toMatchObject({ type: "unreadable-entry" });
      }
    }
  });

  it("is a hit while the key that it names is there, whichever is the current one", async () => {
    const keys = { a: "0123456789abcdef", b: "0123456789abcdef0" };
    const [old, both, renewed] = [
      { key: keys.a },
      { keys, currentKeyId: "b" },
      { keys: { b: keys.b }, currentKeyId: "b" },
    ].map((integrity) => openCache("rotation", { integrity })) as [TestCache, TestCache, TestCache];
    await old.cache.set([{ key: KEY, value: 1 }]);
    expect(await both.cache.get([KEY])).toEqual([{ key: KEY, value: 1 }]);
    expect(await renewed.cache.get([KEY])).toEqual([]);
    expect(renewed.events).toMatchObject([
      { type: "unreadable-entry", reason: expect.stringContaining("integrity.keys") as string },
    ]);
    await both.cache.set([{ key: KEY, value: 2 }]);
    expect(await renewed.cache.get([KEY])).toEqual([{ key: KEY, value: 2 }]);
    await both.collection.updateMany({}, { $unset: { key_name: "" } });
    expect(await both.cache.get([KEY])).toEqual([]);
  });

  it("is a miss that is reported: a serializer, or none", async () => {
    const native = openCache("serde");
    const custom = openCache("serde", {}, new JsonPlusSerializer());
    await custom.cache.set([{ key: KEY, value: VALUE }]);
    expect(await custom.cache.get([KEY])).toEqual([{ key: KEY, value: VALUE }]);
    expect(await native.cache.get([KEY])).toEqual([]);
    await native.cache.set([{ key: KEY, value: VALUE }]);
    expect(await custom.cache.get([KEY])).toEqual([]);
    for (const { events } of [native, custom]) {
      expect(events).toMatchObject([
        { type: "unreadable-entry", reason: expect.stringContaining("serializer") as string },
      ]);
    }
  });
});
