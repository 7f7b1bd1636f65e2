import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { isDeepStrictEqual } from "node:util";
import type { FindKnown } from "../codec/channels/pieces.ts";
import { type ChannelText, writeChannel } from "../codec/channels/write-channel.ts";
import type { LineShadows } from "../codec/items/line-shadows.ts";
import { encodeBytes } from "../codec/values/encode-bytes.ts";
import type { ChannelManifest } from "../documents/manifest.ts";
import { UnserializableStateError } from "../errors/unserializable-state-error.ts";

/** A value as bytes. The type is the user's serializer's; this package's own encoding has none. */
export interface TypedBytes {
  readonly type: string | undefined;
  readonly bytes: Uint8Array;
}

/** A channel's value as it was when it was handed over. */
export type WrittenChannel = ChannelText | { readonly kind: "typed"; readonly value: TypedBytes };

/** Whether a value was found to be as a checkpoint stores it. */
export function isAsStored(written: WrittenChannel, stored: ChannelManifest | undefined): boolean {
  return (
    written.kind !== "typed" &&
    written.sameAs !== undefined &&
    (written.sameAs === stored || isDeepStrictEqual(written.sameAs, stored))
  );
}

/** Something that is at hand, or will be when the user's serializer is done with it. */
export type Awaitable<T> = T | Promise<T>;

/** Whoever awaits the value hears of a failure. Nobody may await it if something else fails first. */
export function quiet<T>(value: Awaitable<T>): Awaitable<T> {
  if (value instanceof Promise) value.catch(() => undefined);
  return value;
}

/**
 * Writes the values of one call of the saver. Each method takes its value before it returns: callers
 * go on with it, and may change it while the saver waits for the server.
 */
export class ValueWriter {
  readonly #serde: SerializerProtocol | undefined;
  readonly #shadows: LineShadows;
  /** What the user's serializer has given so far. */
  readonly #dumped: { readonly value: unknown; readonly bytes: Uint8Array }[] = [];

  constructor(serde: SerializerProtocol | undefined, shadows: LineShadows) {
    this.#serde = serde;
    this.#shadows = shadows;
  }

  /**
   * Writes a channel's value.
   *
   * @param parent how the presumed parent stores it; what is the same there is not encoded, and takes
   *   no more memory
   * @throws UnserializableStateError if the value could not come back as it is
   */
  writeChannel(
    channel: string,
    value: unknown,
    parent: ChannelManifest | undefined,
    findKnown: FindKnown,
  ): Awaitable<WrittenChannel> {
    if (this.#serde === undefined) {
      return writeChannel(channel, value, parent, { findKnown, shadows: this.#shadows });
    }
    return this.#dump(this.#serde, value, channel).then((typed) => ({
      kind: "typed",
      value: typed,
    }));
  }

  /**
   * Writes a pending write or metadata.
   *
   * @throws UnserializableStateError if the value could not come back as it is
   */
  writeValue(value: unknown, channel: string): Awaitable<TypedBytes> {
    return this.#serde === undefined
      ? { type: undefined, bytes: encodeBytes(value, channel) }
      : this.#dump(this.#serde, value, channel);
  }

  async #dump(serde: SerializerProtocol, value: unknown, channel: string): Promise<TypedBytes> {
    // LangGraph's serializer, for one, gives bytes back as they are.
    const own = value instanceof Uint8Array ? Uint8Array.prototype.slice.call(value) : value;
    const [type, bytes] = await serde.dumpsTyped(own);
    for (const other of this.#dumped) {
      if (!Object.is(other.value, value) && overlap(other.bytes, bytes)) {
        throw new UnserializableStateError(
          channel,
          channel,
          "the saver's serializer gave the same memory for it as for another value of this call. " +
            "Its dumpsTyped must give each value bytes of its own.",
        );
      }
    }
    this.#dumped.push({ value, bytes });
    // A copy: the serializer may use its buffer again for another call.
    return { type, bytes: Buffer.from(bytes) };
  }
}

function overlap(a: Uint8Array, b: Uint8Array): boolean {
  return (
    a.buffer === b.buffer &&
    a.byteOffset < b.byteOffset + b.byteLength &&
    b.byteOffset < a.byteOffset + a.byteLength
  );
}
