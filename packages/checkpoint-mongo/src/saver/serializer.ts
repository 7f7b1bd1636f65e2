import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import {
  createSegmentOfBytes,
  decodeChannel,
  decodeValue,
  encodeChannel,
  encodeValue,
  needsLoader,
  type EncodedChannel,
  type FindKnown,
} from "../codec/index.ts";
import type { ChannelManifest, SegmentId } from "../documents/index.ts";
import { InvalidOptionsError, UnserializableStateError } from "../errors/index.ts";

/** A value as bytes. The type is the user's serializer's; this package's own encoding has none. */
export interface TypedBytes {
  readonly type: string | undefined;
  readonly bytes: Uint8Array;
}

/** Gives what is at hand of stored segments. */
export interface SegmentReader {
  readonly lines: (segment: SegmentId) => readonly string[];
  readonly content: (segment: SegmentId) => Uint8Array;
}

/**
 * Turns values into what is stored and back: with this package's own encoding, or, value by value
 * and whole, with the serializer that the user gave.
 */
export class Serializer {
  readonly #serde: SerializerProtocol | undefined;

  constructor(serde: SerializerProtocol | undefined) {
    this.#serde = serde;
  }

  /** Whether values lie in clear, so that the server may search metadata. */
  get isNative(): boolean {
    return this.#serde === undefined;
  }

  async encodeChannel(
    channel: string,
    value: unknown,
    parent: ChannelManifest | undefined,
    findKnown: FindKnown,
  ): Promise<EncodedChannel> {
    if (this.#serde === undefined) {
      const encoded = encodeChannel(channel, value, parent, findKnown);
      await assertLoadable(channel, encoded);
      return encoded;
    }
    const [type, bytes] = await this.#dump(this.#serde, value);
    const segment = createSegmentOfBytes(bytes);
    return { manifest: { kind: "typed", type, segment: segment.id }, segments: [segment] };
  }

  async decodeChannel(manifest: ChannelManifest, reader: SegmentReader): Promise<unknown> {
    if (manifest.kind !== "typed") return decodeChannel(manifest, reader.lines);
    return this.decode({ type: manifest.type, bytes: reader.content(manifest.segment) }, "channel");
  }

  async encode(value: unknown, channel: string): Promise<TypedBytes> {
    if (this.#serde === undefined) {
      const text = encodeValue(value, channel);
      await assertTextLoadable(channel, text);
      return { type: undefined, bytes: Buffer.from(text) };
    }
    const [type, bytes] = await this.#dump(this.#serde, value);
    return { type, bytes };
  }

  /** The bytes are a copy: the serializer may use its buffer again for the next value. */
  async #dump(serde: SerializerProtocol, value: unknown): Promise<[string, Uint8Array]> {
    const [type, bytes] = await serde.dumpsTyped(value);
    return [type, Buffer.from(bytes)];
  }

  async decode({ type, bytes }: TypedBytes, what: string): Promise<unknown> {
    if (type === undefined) return decodeValue(Buffer.from(bytes).toString());
    if (this.#serde === undefined) {
      throw new InvalidOptionsError(
        `A stored ${what} was written with a serializer (type "${type}"), but this saver has none. ` +
          "Pass the same serializer as the second argument of MongoDBSaver.",
      );
    }
    // What it makes of the bytes may lie in them, and the bytes may lie in the cache.
    return this.#serde.loadsTyped(type, Buffer.from(bytes));
  }
}

/**
 * LangChain's loader cannot load every object that serializes itself. Better to hear of it now than
 * when the checkpoint is read.
 */
async function assertLoadable(
  channel: string,
  { manifest, segments }: EncodedChannel,
): Promise<void> {
  if (manifest.kind === "inline") await assertTextLoadable(channel, manifest.text);
  for (const { lines } of segments) {
    for (const line of lines ?? []) await assertTextLoadable(channel, line);
  }
}

async function assertTextLoadable(channel: string, text: string): Promise<void> {
  if (!needsLoader(text)) return;
  try {
    await decodeValue(text);
  } catch (error) {
    throw new UnserializableStateError(
      channel,
      channel,
      `it holds a LangChain object that LangChain cannot load again: ${String(error)}.`,
      { cause: error },
    );
  }
}
