import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { createHash, createHmac } from "node:crypto";
import { assertLoadable } from "../codec/values/assert-loadable.ts";
import { decodeBytes } from "../codec/values/decode-bytes.ts";
import { encodeValue } from "../codec/values/encode-value.ts";
import { packAside, unpackAside } from "../codec/bytes/compression.ts";
import { writePlainJson } from "../codec/values/plain-json.ts";
import type { AllowedObjects } from "../codec/values/allowed-objects.ts";
import { IntegrityKeyError } from "../errors/integrity-key-error.ts";
import { isKeyName, type KeyRing } from "../keys/key-ring.ts";
import { isBinary, toBytes } from "../driver/binary.ts";
import type { EntryAddress } from "./entry-address.ts";
import type { EntryDocument, StoredEntry } from "./entry-document.ts";

/** What an entry takes beside its value: ids, hash, label, dates, index entries. */
const OVERHEAD_BYTES = 512;

const MAX_LABEL_LENGTH = 200;

/** The name of the value in errors. */
const VALUE = "value";

/** A value as bytes. */
interface EncodedValue {
  /** The type of the user's serializer; undefined with this package's own encoding. */
  readonly type: string | undefined;
  readonly bytes: Uint8Array;
}

/** What an entry may contain. */
export interface EntryLimits {
  /** The LangChain classes that may be instantiated. */
  readonly allowedObjects: AllowedObjects;
  /** The most bytes of its plain content. */
  readonly maxContentBytes: number;
}

/** Turns values into entries and back, with this package's own encoding or the user's serializer. */
export class EntryCodec {
  readonly #serde: SerializerProtocol | undefined;
  readonly #keys: KeyRing;
  readonly #allowed: AllowedObjects;
  readonly #maxContentBytes: number;

  constructor(
    serde: SerializerProtocol | undefined,
    keys: KeyRing,
    { allowedObjects, maxContentBytes }: EntryLimits,
  ) {
    this.#maxContentBytes = maxContentBytes;
    this.#serde = serde;
    this.#keys = keys;
    this.#allowed = allowedObjects;
  }

  /**
   * Encodes a value. The value is read before this returns, so the caller may change it right after.
   *
   * @returns a promise that rejects with an `UnserializableStateError` if the value could not come
   *   back as it is
   */
  async encode(address: EntryAddress, value: unknown): Promise<EntryDocument> {
    const { type, bytes } = await this.#dump(value);
    if (bytes.byteLength > this.#maxContentBytes) {
      throw new Error(
        `it has ${bytes.byteLength} bytes, and may have ${this.#maxContentBytes} (maxContentBytes).`,
      );
    }
    const { data, compression } = await packAside(bytes);
    const keyName = this.#keys.current;
    const hash = this.#hash(keyName, address, type, compression, data);
    return {
      _id: address.id,
      ns: address.namespaceId,
      label: address.text.slice(0, MAX_LABEL_LENGTH).toWellFormed(),
      data,
      ...(compression !== undefined && { compression }),
      ...(type !== undefined && { type }),
      ...(keyName !== undefined && { key_name: keyName }),
      hash,
      bytes: data.byteLength + OVERHEAD_BYTES,
    };
  }

  /**
   * Decodes the entry at an address. Every call returns a fresh value.
   *
   * @throws Error if the entry is not as it was written, or was written with another serializer or key
   */
  async decode(address: EntryAddress, entry: StoredEntry): Promise<unknown> {
    const data = readBytes(entry.data);
    const hash = readBytes(entry.hash);
    const type = readText(entry.type);
    const compression = readText(entry.compression);
    const keyName = readText(entry.key_name);
    if (
      data === undefined ||
      hash === undefined ||
      type === null ||
      compression === null ||
      (keyName !== undefined && !isKeyName(keyName))
    ) {
      throw new Error("it is not an entry of this cache.");
    }
    // Before anything is unpacked or parsed.
    if (!hash.equals(this.#hash(keyName, address, type, compression, data))) {
      throw new Error("it is not as it was written.");
    }
    if ((type === undefined) !== (this.#serde === undefined)) {
      throw new Error(
        type === undefined
          ? "it was written without a serializer, but this cache has one."
          : `it was written with a serializer (type ${JSON.stringify(type)}), but this cache has none.`,
      );
    }
    const packed = { data, compression: compression as "zstd" | undefined };
    const bytes = await unpackAside(packed, this.#maxContentBytes);
    return type === undefined
      ? decodeBytes(bytes, this.#allowed)
      : this.#serde!.loadsTyped(type, Buffer.from(bytes));
  }

  async #dump(value: unknown): Promise<EncodedValue> {
    if (this.#serde === undefined) {
      const text = encodeValue(value, VALUE);
      await assertLoadable(text, VALUE, this.#allowed);
      return { type: undefined, bytes: Buffer.from(text) };
    }
    const [type, bytes] = await this.#serde.dumpsTyped(value);
    // A copy: the serializer may reuse its buffer for the next value.
    return { type, bytes: Buffer.from(bytes) };
  }

  /**
   * The hash of an entry: SHA-256, or HMAC-SHA-256 with a key. Different fields never give the same input.
   *
   * @throws IntegrityKeyError if the ring does not have the key
   */
  #hash(
    keyName: string | undefined,
    address: EntryAddress,
    type: string | undefined,
    compression: string | undefined,
    data: Uint8Array,
  ): Buffer {
    const choice = this.#keys.find(keyName);
    if ("fault" in choice) {
      throw new IntegrityKeyError("it", choice.fault, keyName, this.#keys.names);
    }
    const { key } = choice;
    const header = writePlainJson([
      address.text,
      type ?? null,
      compression ?? null,
      ...(keyName === undefined ? [] : [keyName]),
    ]);
    return (key === undefined ? createHash("sha256") : createHmac("sha256", key))
      .update(`threadkeep:cache\n${header}\n`)
      .update(data)
      .digest();
  }
}

/** Reads bytes; undefined if there is something else. */
function readBytes(value: unknown): Buffer | undefined {
  if (!isBinary(value)) return undefined;
  const { buffer, byteOffset, byteLength } = toBytes(value);
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Reads a text that may be missing; null if there is something else. */
function readText(value: unknown): string | undefined | null {
  if (value === undefined) return undefined;
  return typeof value === "string" ? value : null;
}
