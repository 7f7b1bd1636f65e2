import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import {
  createSegmentOfBytes,
  decodeChannel,
  decodeValue,
  encodeChannel,
  encodeValue,
  type EncodedChannel,
} from "../codec/index.ts";
import type { ChannelManifest, SegmentId } from "../documents/index.ts";
import { InvalidOptionsError } from "../errors/index.ts";

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
    readLines: (segment: SegmentId) => readonly string[] | undefined,
  ): Promise<EncodedChannel> {
    if (this.#serde === undefined) return encodeChannel(channel, value, parent, readLines);
    const [type, bytes] = await this.#serde.dumpsTyped(value);
    const segment = createSegmentOfBytes(bytes);
    return { manifest: { kind: "typed", type, segment: segment.id }, segments: [segment] };
  }

  async decodeChannel(manifest: ChannelManifest, reader: SegmentReader): Promise<unknown> {
    if (manifest.kind !== "typed") return decodeChannel(manifest, reader.lines);
    return this.decode({ type: manifest.type, bytes: reader.content(manifest.segment) }, "channel");
  }

  async encode(value: unknown, channel: string): Promise<TypedBytes> {
    if (this.#serde === undefined) {
      return { type: undefined, bytes: Buffer.from(encodeValue(value, channel)) };
    }
    const [type, bytes] = await this.#serde.dumpsTyped(value);
    return { type, bytes };
  }

  async decode({ type, bytes }: TypedBytes, what: string): Promise<unknown> {
    if (type === undefined) return decodeValue(Buffer.from(bytes).toString());
    if (this.#serde === undefined) {
      throw new InvalidOptionsError(
        `A stored ${what} was written with a serializer (type "${type}"), but this saver has none. ` +
          "Pass the same serializer as the second argument of MongoDBSaver.",
      );
    }
    return this.#serde.loadsTyped(type, bytes);
  }
}
