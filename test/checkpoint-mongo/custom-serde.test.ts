import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { Binary, BSON, type Document } from "mongodb";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { asNewProcess } from "./new-process.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const SECRET = "the secret of this state";

/** Encrypts everything; the type says what kind of value it is, as some serializers do. */
class EncryptingSerializer implements SerializerProtocol {
  readonly types = new Set<string>();
  readonly #key = randomBytes(32);

  dumpsTyped(value: unknown): Promise<[string, Uint8Array]> {
    const isMetadata = typeof value === "object" && value !== null && "source" in value;
    const type = isMetadata ? "aes-metadata" : `aes-${typeof value}`;
    this.types.add(type);
    const iv = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", this.#key, iv);
    const text = cipher.update(JSON.stringify({ type, value }));
    return Promise.resolve([
      type,
      new Uint8Array(Buffer.concat([iv, text, cipher.final(), cipher.getAuthTag()])),
    ]);
  }

  loadsTyped(type: string, data: Uint8Array | string): Promise<unknown> {
    const bytes = Buffer.from(data as Uint8Array);
    const decipher = createDecipheriv("aes-256-gcm", this.#key, bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(-16));
    const text = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
    const stored = JSON.parse(text.toString()) as { type: string; value: unknown };
    if (stored.type !== type) throw new Error(`expected ${stored.type}, got ${type}`);
    return Promise.resolve(stored.value);
  }
}

const serde = new EncryptingSerializer();
const openSaver = (serializer?: SerializerProtocol) =>
  new MongoDBSaver({ client: asNewProcess(database.client), dbName: database.name }, serializer);
const saver = openSaver(serde);

/** What a zstd frame begins with; before it lies the plain length. */
const ZSTD_FRAME = Buffer.from("28b52ffd", "hex");

/** The texts and bytes of a document, decompressed. */
function readEverything(value: unknown): string {
  if (value instanceof Binary) {
    const bytes = value.buffer.subarray(0, value.position);
    const plain =
      value.sub_type === 0x80
        ? zstdDecompressSync(bytes.subarray(Buffer.from(bytes).indexOf(ZSTD_FRAME)))
        : bytes;
    return Buffer.from(plain).toString("latin1");
  }
  if (Array.isArray(value)) return value.map(readEverything).join("\n");
  if (typeof value === "object" && value !== null) {
    return Object.entries(value)
      .map(([key, entry]) => `${key}: ${readEverything(entry)}`)
      .join("\n");
  }
  return String(value);
}

async function fill(threadId: string, writer: MongoDBSaver) {
  const state = {
    small: SECRET,
    list: [SECRET, { deep: SECRET.repeat(100) }],
    map: { [SECRET]: SECRET, more: "y".repeat(500) },
    text: SECRET.repeat(5_000),
    number: 42,
    nothing: null,
  };
  const metadata = makeMetadata({ note: SECRET, nested: { note: [SECRET] } });
  const first = await putCheckpoint(
    writer,
    threadConfig(threadId),
    makeCheckpoint(state),
    metadata,
  );
  const changed = { ...state, list: [...state.list, SECRET] };
  const checkpoint = makeCheckpoint(changed, { versions: { list: 2 } });
  const config = await writer.put(first, checkpoint, metadata, { list: 2 });
  await writer.putWrites(
    config,
    [
      ["list", SECRET],
      ["text", SECRET.repeat(100)],
    ],
    "task",
  );
  await writer.putWrites(config, [["__interrupt__", { ask: SECRET }]], "task");
  return { checkpoint, metadata, config };
}

describe("a serializer of the user's", () => {
  it("encodes everything that is stored of state, pending writes and metadata", async () => {
    await fill("encrypted", saver);
    await fill("clear", openSaver());
    const read = (documents: Document[]) => documents.map(readEverything).join("\n");
    expect(read(await database.readAll("encrypted"))).not.toContain(SECRET);
    const raw = (await database.readAll("encrypted")).map((document) => BSON.serialize(document));
    expect(Buffer.concat(raw).toString("latin1")).not.toContain(SECRET);
    // The search finds it where it is.
    expect(read(await database.readAll("clear")).split(SECRET).length).toBeGreaterThan(100);
  });

  it("gets everything back with the type that it gave", async () => {
    const { checkpoint, metadata, config } = await fill("read-back", saver);
    for (const reader of [saver, openSaver(serde)]) {
      const tuple = await reader.getTuple(config);
      expect(tuple?.checkpoint).toEqual(checkpoint);
      expect(tuple?.metadata).toEqual(metadata);
      expect(tuple?.pendingWrites).toEqual([
        ["task", "__interrupt__", { ask: SECRET }],
        ["task", "list", SECRET],
        ["task", "text", SECRET.repeat(100)],
      ]);
      const listed = await Array.fromAsync(reader.list(threadConfig("read-back")));
      expect(listed[0]).toEqual(tuple);
      const history = await reader.getDeltaChannelHistory({ config, channels: ["text"] });
      expect(history["text"]?.seed).toBe(SECRET.repeat(5_000));
    }
    expect([...serde.types].toSorted()).toEqual([
      "aes-metadata",
      "aes-number",
      "aes-object",
      "aes-string",
    ]);
  });

  it("is called only for what changed", async () => {
    const { checkpoint, metadata, config } = await fill("seen", saver);
    const seen: unknown[] = [];
    const watched = openSaver({
      dumpsTyped: (value) => {
        seen.push(value);
        return serde.dumpsTyped(value);
      },
      loadsTyped: (type, value) => serde.loadsTyped(type, value),
    });
    // As LangGraph does, who puts what it has read and changed.
    await watched.getTuple(config);
    const values = { ...checkpoint.channel_values, number: 43 };
    const versions = { ...checkpoint.channel_versions, number: 2 };
    await watched.put(config, makeCheckpoint(values, { versions }), metadata, { number: 2 });
    expect(seen).toHaveLength(2);
    expect(seen).toEqual(expect.arrayContaining([43, metadata]));
  });

  it("still allows filters on metadata", async () => {
    const { metadata } = await fill("filtered", saver);
    const list = async (filter: Record<string, unknown>) =>
      Array.fromAsync(saver.list(threadConfig("filtered"), { filter }));
    expect(await list({ note: SECRET, nested: { note: [SECRET] } })).toHaveLength(2);
    expect(await list({ source: metadata.source })).toHaveLength(2);
    expect(await list({ note: "another" })).toEqual([]);
  });

  it("that is missing when its data is read is named in the error", async () => {
    const { config } = await fill("no-serializer", saver);
    await expect(openSaver().getTuple(config)).rejects.toMatchObject({
      code: "INVALID_OPTIONS",
      message: expect.stringMatching(/type "aes-\w+".*second argument/) as string,
    });
  });

  it("that gives two values the same memory is refused before anything is stored", async () => {
    const buffer = new Uint8Array(64);
    const reusing = openSaver({
      dumpsTyped: (value) => {
        const { written } = new TextEncoder().encodeInto(JSON.stringify(value), buffer.fill(0));
        return Promise.resolve(["json", buffer.subarray(0, written)]);
      },
      loadsTyped: (_type, data) => Promise.resolve(data),
    });
    const checkpoint = makeCheckpoint({ a: "first", b: "second" });
    await expect(putCheckpoint(reusing, threadConfig("shared"), checkpoint)).rejects.toMatchObject({
      code: "UNSERIALIZABLE_STATE",
      message: expect.stringMatching(/dumpsTyped must give each value bytes of its own/) as string,
    });
    expect(await database.readAll("shared")).toEqual([]);
  });

  it("may reuse its buffer, and may return values that are views of the given bytes", async () => {
    const buffer = new Uint8Array(1_024);
    let used = 0;
    const reusing = openSaver({
      dumpsTyped: (value) => {
        // The values of a call lie one after the other; the next call starts over.
        if (used > 512) used = 0;
        const place = buffer.subarray(used).fill(0);
        const { written } = new TextEncoder().encodeInto(JSON.stringify(value), place);
        used += written;
        return Promise.resolve(["json", place.subarray(0, written)]);
      },
      loadsTyped: (_type, data) => Promise.resolve(data),
    });
    const config = await reusing.put(
      threadConfig("reusing"),
      makeCheckpoint({ a: "first", b: "second" }),
      makeMetadata(),
      { a: 1, b: 1 },
    );
    used = 0;
    await reusing.putWrites(config, [["a", "third"]], "task");
    for (const _round of [1, 2]) {
      const tuple = await reusing.getTuple(config);
      const { a, b } = tuple!.checkpoint.channel_values as Record<string, Uint8Array>;
      const [, , c] = tuple!.pendingWrites![0]! as [string, string, Uint8Array];
      const values = [a!, b!, c];
      const texts = values.map((value) => JSON.parse(Buffer.from(value).toString()) as unknown);
      expect(texts).toEqual(["first", "second", "third"]);
      for (const value of values) value.fill(0);
    }
  });

  it("may fail: then nothing is stored", async () => {
    const { config } = await fill("failing", saver);
    const stored = await database.readAll("failing");
    const failing = openSaver({
      dumpsTyped: () => Promise.reject(new Error("no key")),
      loadsTyped: (...args) => serde.loadsTyped(...args),
    });
    const checkpoint = makeCheckpoint({ a: 1 });
    await expect(putCheckpoint(failing, config, checkpoint)).rejects.toThrow("no key");
    await expect(failing.putWrites(config, [["a", 1]], "other")).rejects.toThrow("no key");
    expect(await database.readAll("failing")).toEqual(stored);
  });
});
