import { assertLoadable } from "../codec/values/assert-loadable.ts";
import { decodeValue } from "../codec/values/decode-value.ts";
import { encodeValue } from "../codec/values/encode-value.ts";
import type { AllowedObjects } from "../codec/values/allowed-objects.ts";
import { ClassNotAllowedError } from "../errors/class-not-allowed-error.ts";
import { MAX_DOCUMENT_BYTES, measureDocument } from "../driver/measure-document.ts";
import { CorruptItemError } from "../errors/corrupt-item-error.ts";
import { ItemTooLargeError } from "../errors/item-too-large-error.ts";
import { UnserializableStateError } from "../errors/unserializable-state-error.ts";
import { toBsonValue } from "./bson-value.ts";
import { fingerprint } from "./fingerprint.ts";
import type { ItemAddress } from "./item-address.ts";
import type { ItemDocument, OwnFields } from "./item-document.ts";

/** A value as it is stored. */
export interface EncodedItemValue {
  /** The field `value`: the official store reads it, and both stores filter by it. */
  readonly value: unknown;
  /** The exact value as text, if `value` cannot hold it. */
  readonly exact: Required<Pick<OwnFields, "exact" | "of" | "sum">> | undefined;
}

/** The name of the value in errors. */
const NAME = "value";

/**
 * Encodes the value of an item. A value of what JSON and BSON have in common, and of dates, lies in `value` as
 * it is. Any other value is kept as text too.
 *
 * @throws UnserializableStateError if the value could not come back as it is
 */
export function encodeItemValue(value: unknown): EncodedItemValue {
  const bson = toBsonValue(value);
  if (bson.isExact) return { value: bson.value, exact: undefined };
  if (bson.driverObjectAt !== undefined) {
    throw new UnserializableStateError(
      NAME,
      NAME + bson.driverObjectAt,
      "it is an object of the MongoDB driver, and the same value holds something that BSON lacks.",
    );
  }
  const exact = encodeValue(value, NAME);
  return {
    value: bson.value,
    exact: { exact, of: fingerprint(bson.value), sum: fingerprint(exact) },
  };
}

/**
 * Refuses a value that no document can hold.
 *
 * @returns the value
 * @throws ItemTooLargeError if it is too long
 */
export function checkItemSize(address: ItemAddress, encoded: EncodedItemValue): EncodedItemValue {
  const bytes = measureDocument(encoded);
  if (bytes <= MAX_DOCUMENT_BYTES) return encoded;
  throw new ItemTooLargeError(address, { bytes, limitBytes: MAX_DOCUMENT_BYTES });
}

/**
 * Checks that a value that was encoded can be decoded again.
 *
 * @throws UnserializableStateError if it cannot
 */
export async function assertValueLoadable(
  { exact }: EncodedItemValue,
  allowed: AllowedObjects,
): Promise<void> {
  if (exact !== undefined) await assertLoadable(exact.exact, NAME, allowed);
}

/**
 * Decodes the value of an item. The text counts only if `value` is still the one it was written for: the
 * official store overwrites `value` and leaves our field.
 *
 * @throws CorruptItemError if the text is not what was written
 * @throws ClassNotAllowedError if it holds an object of a class that is not allowed
 */
export async function decodeItemValue(
  document: ItemDocument,
  allowed: AllowedObjects,
): Promise<unknown> {
  const { namespace, key, value, threadkeep } = document;
  if (threadkeep?.exact === undefined || threadkeep.of !== fingerprint(value)) return value;
  const { exact, sum } = threadkeep;
  if (sum !== fingerprint(exact)) throw new CorruptItemError(namespace, key);
  try {
    return await decodeValue(exact, allowed);
  } catch (error) {
    if (ClassNotAllowedError.isInstance(error)) throw error;
    throw new CorruptItemError(namespace, key, { cause: error });
  }
}
