import { encodeLongString, MAX_WHOLE_LENGTH } from "../texts/encode-long-string.ts";
import { encodeValue } from "./encode-value.ts";

/**
 * Encodes a value like `encodeValue`, as UTF-8. A long string is written part by part, so that its
 * text is never in memory as a whole.
 *
 * @throws UnserializableStateError if the value could not come back as it is
 */
export function encodeBytes(value: unknown, channel: string): Uint8Array {
  if (typeof value !== "string" || value.length <= MAX_WHOLE_LENGTH) {
    return Buffer.from(encodeValue(value, channel));
  }
  return Buffer.concat(Array.from(encodeLongString(value), (part) => Buffer.from(part)));
}
