import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { decodeChannel } from "../codec/channels/decode-channel.ts";
import type { FindKnown } from "../codec/channels/pieces.ts";
import { type EncodedChannel, planChannel } from "../codec/channels/plan-channel.ts";
import type { LineShadows } from "../codec/items/line-shadows.ts";
import { createSegmentOfBytes } from "../codec/segments/segment.ts";
import type { AllowedObjects } from "../codec/values/allowed-objects.ts";
import { assertLoadable } from "../codec/values/assert-loadable.ts";
import { decodeBytes } from "../codec/values/decode-bytes.ts";
import { needsLoader, needsLoaderAsBytes } from "../codec/values/needs-loader.ts";
import type { ChannelManifest } from "../documents/manifest.ts";
import type { SegmentId } from "../documents/segment-id.ts";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { breather, ITEM_WORK } from "../event-loop/breather.ts";
import { ValueWriter, type TypedBytes, type WrittenChannel } from "./value-writer.ts";

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
  readonly #shadows: LineShadows;
  readonly #allowed: AllowedObjects;

  /** @param allowed LangChain's classes that may be stored beside messages and documents */
  constructor(
    serde: SerializerProtocol | undefined,
    shadows: LineShadows,
    allowed: AllowedObjects,
  ) {
    this.#serde = serde;
    this.#shadows = shadows;
    this.#allowed = allowed;
  }

  /** Whether values lie in clear, so that the server may search metadata. */
  get isNative(): boolean {
    return this.#serde === undefined;
  }

  /** Something to write the values of one call with. */
  createWriter(): ValueWriter {
    return new ValueWriter(this.#serde, this.#shadows);
  }

  /**
   * Plans how a channel is stored as child of the parent's.
   *
   * @throws UnserializableStateError if what is new of it could not be loaded again
   */
  async planChannel(
    channel: string,
    written: WrittenChannel,
    parent: ChannelManifest | undefined,
    findKnown: FindKnown,
  ): Promise<EncodedChannel> {
    if (written.kind === "typed") {
      const { type, bytes } = written.value;
      const segment = await createSegmentOfBytes(bytes);
      const manifest = { kind: "typed", type: type!, segment: segment.id } as const;
      return { manifest, segments: [segment] };
    }
    const encoded = await planChannel(channel, written, parent, findKnown);
    await assertChannelLoadable(channel, encoded, this.#allowed);
    return encoded;
  }

  /**
   * Checks that a value that was written can be loaded again.
   *
   * @throws UnserializableStateError if it cannot
   */
  async assertLoadable({ type, bytes }: TypedBytes, channel: string): Promise<void> {
    if (type !== undefined || !needsLoaderAsBytes(bytes)) return;
    await assertLoadable(Buffer.from(bytes).toString(), channel, this.#allowed);
  }

  async decodeChannel(manifest: ChannelManifest, reader: SegmentReader): Promise<unknown> {
    if (manifest.kind !== "typed") {
      return decodeChannel(manifest, reader.lines, this.#shadows, this.#allowed);
    }
    return this.decode({ type: manifest.type, bytes: reader.content(manifest.segment) }, "channel");
  }

  async decode({ type, bytes }: TypedBytes, what: string): Promise<unknown> {
    if (type === undefined) return decodeBytes(bytes, this.#allowed);
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

/** Checks what is new of a channel: what is stored already was checked when it was. */
async function assertChannelLoadable(
  channel: string,
  { manifest, segments }: EncodedChannel,
  allowed: AllowedObjects,
): Promise<void> {
  if (manifest.kind === "inline") await assertLoadable(manifest.text, channel, allowed);
  for (const { lines } of segments) {
    for (const line of lines ?? []) {
      // Not awaited for each of what may be a great many lines.
      if (needsLoader(line)) await assertLoadable(line, channel, allowed);
      if (breather.isDue(ITEM_WORK / 4 + line.length / 4)) await breather.rest();
    }
  }
}
