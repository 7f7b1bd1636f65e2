import type { BinaryClass } from "../driver/binary-class.ts";
import { isBinary, readSubtype, toBytes, type StoredBytes } from "../driver/binary.ts";

/** The subtype that marks encrypted bytes; see `encryption/seal.ts`. */
const SEALED_SUBTYPE = 0x82;

/** Wraps encrypted bytes. */
export function toSealedBinary(bytes: Uint8Array, Binary: BinaryClass): StoredBytes {
  return new Binary(bytes, SEALED_SUBTYPE);
}

/** Whether a stored value is encrypted bytes. */
export function isSealed(value: unknown): value is StoredBytes {
  return isBinary(value) && readSubtype(value) === SEALED_SUBTYPE;
}

/** The bytes of an encrypted value. */
export function toSealedBytes(value: StoredBytes): Uint8Array {
  return toBytes(value);
}

/** A segment's name as it is stored. Its `_id` is made of this, not of the name that it stands for. */
export const STORED_NAME: unique symbol = Symbol("stored name of a segment");

/** Marks a document that lies in clear text where new ones are encrypted. */
export const PLAIN: unique symbol = Symbol("in clear text");

/** Stands in a document for a value that is not to be used, and says why. */
export class Unopened {
  /** Undefined if the value does not open here: it was changed, or belongs elsewhere. */
  readonly error: Error | undefined;

  constructor(error: Error | undefined) {
    this.error = error;
  }
}
