import type { Document } from "mongodb";
import type { BinaryClass } from "../driver/binary-class.ts";
import { bytesToHex, isBinary, toBytes, type StoredBytes } from "../driver/binary.ts";
import { toPackedBinary, toPackedBytes, type Compression } from "../documents/packed-bytes.ts";
import {
  isSealed,
  PLAIN,
  STORED_NAME,
  toSealedBinary,
  toSealedBytes,
  Unopened,
} from "../documents/sealed-bytes.ts";
import { hashSegmentPlace } from "../integrity/hashes.ts";
import { EncryptionKeyError } from "../errors/encryption-key-error.ts";
import { PlaintextRefusedError } from "../errors/plaintext-refused-error.ts";
import type { LifeKey } from "./data-keys.ts";
import { ThreadCipher, type Place } from "./thread-cipher.ts";

// What is encrypted of the documents of a thread. Each value is bound to the thread, the life, the document's own
// address and the field. The rest has to stay as it is, because the server goes by it: addresses, the order, times,
// hashes (which are keyed), counts, the names of channels and tasks of pending writes.
//
//   checkpoint, discarded   body, segments, metadata_encoded, the names of labels
//   segment                 segment (a name), data, more
//   writes                  each value
//   thread                  metadata

/** Numbers that stand for compressions. */
const PACKINGS: readonly (Compression | undefined)[] = [undefined, "zstd", "deflate"];

/** What metadata of a user's serializer is marked with. */
const TYPED_METADATA = 1;

/** The key of a document: undefined if its thread has none, `"another"` if it has none of this life. */
type DocumentKey = LifeKey | "another" | undefined;

/** How a value is treated, in which document. */
type Convert = (value: unknown, field: string, place: Place) => unknown;

/** Encrypts what documents hold, and decrypts it. */
export class DocumentSealer {
  readonly #Binary: BinaryClass;
  readonly #isPlainAllowed: boolean;

  constructor(Binary: BinaryClass, isPlainAllowed: boolean) {
    this.#Binary = Binary;
    this.#isPlainAllowed = isPlainAllowed;
  }

  /** The stored name of a segment. */
  sealRoot(cipher: ThreadCipher, root: Uint8Array): StoredBytes {
    return toSealedBinary(cipher.sealName(root, ["segment"]), this.#Binary);
  }

  /** The name of a label, as it is stored: the same name is always the same. */
  sealLabel(cipher: ThreadCipher, name: string): StoredBytes {
    return toSealedBinary(cipher.sealName(Buffer.from(name), ["label"]), this.#Binary);
  }

  /** The metadata of a thread: the same text is always the same, since a change names what it replaces. */
  sealThreadMetadata(cipher: ThreadCipher, metadata: string): StoredBytes {
    return toSealedBinary(cipher.sealName(Buffer.from(metadata), ["metadata"]), this.#Binary);
  }

  /** Encrypts a whole document. */
  sealDocument(cipher: ThreadCipher, document: Document): Document {
    return this.#sealFields(cipher, document, document);
  }

  /** Encrypts what an update of one document stores. */
  sealUpdate(
    cipher: ThreadCipher,
    { filter, update }: { readonly filter: Document; readonly update: Document },
  ): { readonly filter: Document; readonly update: Document } {
    const { $set, $setOnInsert, $push } = update as Record<string, Document | undefined>;
    const all = { ...filter, ...$setOnInsert, ...$set };
    if (!isSensitive(all) && $push?.["more"] === undefined) return { filter, update };
    const sealed: Document = { ...update };
    if ($set !== undefined) sealed["$set"] = this.#sealFields(cipher, $set, all);
    if ($setOnInsert !== undefined) {
      sealed["$setOnInsert"] = this.#sealFields(cipher, $setOnInsert, all);
    }
    if ($push?.["more"] !== undefined) {
      const place = [...placeOf(all)!, "more", String((filter["appends"] as number) + 1)];
      const bytes = cipher.seal(toBytes($push["more"] as StoredBytes), place);
      sealed["$push"] = { ...$push, more: toSealedBinary(bytes, this.#Binary) };
    }
    return { filter: this.#sealFilter(cipher, filter), update: sealed };
  }

  /** Decrypts what a document holds. A value that does not open becomes an {@link Unopened}. */
  openDocument(document: Document, key: DocumentKey): Document {
    const place = placeOf(document);
    if (place === undefined) return document;
    const opened = this.#open(document, place, this.#opener(document, key));
    const liesPlain =
      place[0] === "checkpoint" && "body" in document && !isSealed(document["body"]);
    return liesPlain ? { ...opened, [PLAIN]: true } : opened;
  }

  /** Whether a document is a segment that was named with a key. */
  isNamedBy(document: Document, key: LifeKey): boolean {
    const name: unknown = document["segment"];
    if (document["kind"] !== "segment" || !isSealed(name) || !(key instanceof ThreadCipher)) {
      return false;
    }
    return key.openName(toSealedBytes(name), ["segment"]) !== undefined;
  }

  #sealFilter(cipher: ThreadCipher, filter: Document): Document {
    if (!isBinary(filter["segment"])) return filter;
    return { ...filter, segment: this.sealRoot(cipher, toBytes(filter["segment"])) };
  }

  #sealFields(cipher: ThreadCipher, fields: Document, all: Document): Document {
    const place = placeOf(all);
    if (place === undefined) {
      // Otherwise it would go out in clear text.
      if (isSensitive(fields)) throw new Error("What is to be encrypted does not say its kind.");
      return fields;
    }
    const sealed = this.#convert(fields, place, (value, field, at) =>
      this.#seal(cipher, value, field, at),
    );
    if (place[0] !== "segment") return sealed;
    const name = this.sealRoot(cipher, toBytes(all["segment"] as StoredBytes));
    return {
      ...sealed,
      ...("segment" in fields && { segment: name }),
      ...("_id" in fields && {
        _id: hashSegmentPlace(cipher.threadId, bytesToHex(name), all["part"] as number),
      }),
    };
  }

  #seal(cipher: ThreadCipher, value: unknown, field: string, place: Place): unknown {
    const at = [...place, field];
    switch (field) {
      case "metadata":
        return this.sealThreadMetadata(cipher, value as string);
      case "label":
        return this.sealLabel(cipher, value as string);
      case "root":
        return this.sealRoot(cipher, toBytes(value as StoredBytes));
      case "metadata_encoded":
        return typeof value === "string"
          ? this.#wrap(cipher, Buffer.from(value), at, 0)
          : this.#wrap(cipher, encodeTyped(value as TypedMetadata), at, TYPED_METADATA);
      default: {
        const packed = toPackedBytes(value as StoredBytes);
        return this.#wrap(cipher, packed.data, at, PACKINGS.indexOf(packed.compression));
      }
    }
  }

  #wrap(cipher: ThreadCipher, bytes: Uint8Array, place: Place, packing: number): StoredBytes {
    return toSealedBinary(cipher.seal(bytes, place, packing), this.#Binary);
  }

  #open(document: Document, place: Place, opener: Convert): Document {
    if (place[0] !== "segment") return this.#convert(document, place, opener);
    const stored: unknown = document["segment"];
    const root = opener(stored, "root", place);
    const own = isBinary(root) ? placeOfSegment(root, document["part"]) : place;
    const opened = { ...this.#convert(document, own, opener), segment: root };
    return isSealed(stored) ? { ...opened, [STORED_NAME]: stored } : opened;
  }

  #opener(document: Document, key: DocumentKey): Convert {
    return (value, field, place) => {
      // What is no value of this field is for its reader to refuse.
      if (!isSealed(value)) {
        if (this.#isPlainAllowed || !isPlain(value, field)) return value;
        return new Unopened(new PlaintextRefusedError(describeDocument(document)));
      }
      if (key === undefined) return new Unopened(noDataKey(document));
      if (key === "another") return new Unopened(undefined);
      if (!(key instanceof ThreadCipher)) return new Unopened(key);
      return this.#openValue(key, toSealedBytes(value), field, place) ?? new Unopened(undefined);
    };
  }

  #openValue(cipher: ThreadCipher, sealed: Uint8Array, field: string, place: Place): unknown {
    switch (field) {
      case "metadata":
        return toText(cipher.openName(sealed, ["metadata"]));
      case "label":
        return toText(cipher.openName(sealed, ["label"]));
      case "root":
        return cipher.openName(sealed, ["segment"]);
      default: {
        const opened = cipher.open(sealed, [...place, field]);
        if (opened === undefined) return undefined;
        const { bytes, packing } = opened;
        if (field === "metadata_encoded") {
          return packing === TYPED_METADATA ? decodeTyped(bytes) : toText(bytes);
        }
        return toPackedBinary({ data: bytes, compression: PACKINGS[packing] }, this.#Binary);
      }
    }
  }

  /** Treats each field that is encrypted. */
  #convert(fields: Document, place: Place, convert: Convert): Document {
    const [kind] = place;
    const converted: Document = { ...fields };
    const each = (field: string): void => {
      if (fields[field] !== undefined) converted[field] = convert(fields[field], field, place);
    };
    switch (kind) {
      case "checkpoint":
        for (const field of ["body", "segments", "metadata_encoded"]) each(field);
        for (const field of ["labels", "was_labelled"]) {
          const labels: unknown = fields[field];
          if (!Array.isArray(labels)) continue;
          converted[field] = labels.map((label: unknown) =>
            isObject(label)
              ? replace(label, "name", convert(label["name"], "label", place))
              : label,
          );
        }
        break;
      case "segment": {
        each("data");
        const more: unknown = fields["more"];
        if (Array.isArray(more)) {
          converted["more"] = more.map((part: unknown, index) =>
            convert(part, String(index + 1), [...place, "more"]),
          );
        }
        break;
      }
      case "writes": {
        const writes: unknown = fields["writes"];
        if (!Array.isArray(writes)) break;
        converted["writes"] = writes.map((write: unknown) =>
          isObject(write) ? replace(write, "value", convertWrite(write, place, convert)) : write,
        );
        break;
      }
      case "thread":
        each("metadata");
        break;
      default:
        break;
    }
    return converted;
  }
}

/** Whether a document, or a part of one, has something that is encrypted. */
export function isSensitive(document: Document): boolean {
  return (
    "body" in document ||
    "segments" in document ||
    "metadata_encoded" in document ||
    "labels" in document ||
    "was_labelled" in document ||
    "segment" in document ||
    "data" in document ||
    "more" in document ||
    ("writes" in document && document["kind"] === "writes") ||
    (document["kind"] === "thread" && document["metadata"] !== undefined)
  );
}

/** The place of what a document holds; undefined if it holds nothing that is encrypted. */
function placeOf(document: Document): Place | undefined {
  const { kind, checkpoint_ns: ns, checkpoint_id: id } = document as Record<string, string>;
  if (!isSensitive(document)) return undefined;
  switch (kind) {
    case "checkpoint":
    case "discarded":
      return ["checkpoint", String(ns), String(id)];
    case "writes":
      return [
        "writes",
        String(ns),
        String(id),
        String(document["task_id"]),
        Number(document["idx"]),
      ];
    case "segment": {
      const name: unknown = document["segment"];
      return isBinary(name) && !isSealed(name)
        ? placeOfSegment(name, document["part"])
        : ["segment", "", 0];
    }
    case "thread":
      return ["thread"];
    default:
      return undefined;
  }
}

function placeOfSegment(root: StoredBytes, part: unknown): Place {
  return ["segment", bytesToHex(root), Number(part)];
}

function convertWrite(write: Document, place: Place, convert: Convert): unknown {
  const {
    idx,
    channel,
    type = null,
    value,
  } = write as {
    readonly idx: unknown;
    readonly channel: unknown;
    readonly type?: unknown;
    readonly value: unknown;
  };
  if (isObject(value) && !isBinary(value) && "segment" in value) {
    const segment = convert(value["segment"], "root", place);
    return segment instanceof Unopened ? segment : { ...value, segment };
  }
  return convert(value, "value", [...place, String(idx), String(channel), String(type)]);
}

/** Whether a value is one that should have been encrypted. */
function isPlain(value: unknown, field: string): boolean {
  return (
    typeof value === "string" ||
    isBinary(value) ||
    (field === "metadata_encoded" && isObject(value))
  );
}

interface TypedMetadata {
  readonly type: string;
  readonly data: StoredBytes;
}

/** The type and a line break, then the bytes. */
function encodeTyped({ type, data }: TypedMetadata): Uint8Array {
  return Buffer.concat([Buffer.from(`${JSON.stringify(type)}\n`), toBytes(data)]);
}

function decodeTyped(bytes: Uint8Array): TypedMetadata {
  const end = bytes.indexOf(LINE_BREAK);
  return {
    type: JSON.parse(toText(bytes.subarray(0, end))!) as string,
    data: bytes.subarray(end + 1),
  };
}

const LINE_BREAK = 10;

function toText(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

function replace(object: Document, field: string, value: unknown): Document {
  return { ...object, [field]: value };
}

function isObject(value: unknown): value is Document {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function noDataKey(document: Document): EncryptionKeyError {
  return new EncryptionKeyError(describeDocument(document), {
    fault: "no-data-key",
    keyId: undefined,
    knownKeyIds: [],
  });
}

/** Names a document, as messages do. */
function describeDocument({ kind, thread_id, checkpoint_id }: Document): string {
  const thread = `thread "${String(thread_id)}"`;
  if (kind === "writes")
    return `pending writes to checkpoint ${String(checkpoint_id)} of ${thread}`;
  if (kind === "segment") return `a segment of ${thread}`;
  return kind === "thread"
    ? `the record of ${thread}`
    : `checkpoint ${String(checkpoint_id)} of ${thread}`;
}
