import { breather } from "../../event-loop/breather.ts";
import type { AllowedObjects } from "./allowed-objects.ts";
import { decodeLongString } from "../texts/decode-long-string.ts";
import { decodeValue } from "./decode-value.ts";
import { MAX_WHOLE_LENGTH } from "../texts/encode-long-string.ts";

/** A long string is decoded in parts of about this size. */
const PART_BYTES = 262_144;

const QUOTE = 0x22;

/**
 * Decodes what `encodeBytes` encoded. The result is a promise for a long string, which is decoded in
 * pieces, and for an object that needs LangChain's own loader.
 *
 * @throws Error like `decodeValue`
 */
export function decodeBytes(bytes: Uint8Array, allowed?: AllowedObjects): unknown {
  return bytes[0] === QUOTE && bytes.byteLength > MAX_WHOLE_LENGTH
    ? decodeParts(bytes)
    : decodeValue(toText(bytes), allowed);
}

async function decodeParts(bytes: Uint8Array): Promise<string> {
  const parts: string[] = [];
  for (let start = 0; start < bytes.byteLength;) {
    let end = Math.min(start + PART_BYTES, bytes.byteLength);
    // Not in the middle of a character.
    while (end < bytes.byteLength && isContinuation(bytes[end]!)) end += 1;
    parts.push(toText(bytes.subarray(start, end)));
    if (breather.isDue(end - start)) await breather.rest();
    start = end;
  }
  return decodeLongString(parts);
}

function toText({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString();
}

/** Whether a byte of UTF-8 continues a character. */
function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
