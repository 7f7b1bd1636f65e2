/** A number of more bytes is larger than anything this package stores. */
const MAX_BYTES = 6;

/** Encodes a non-negative number: seven bits a byte, the lowest first. */
export function encodeNumber(number: number): Uint8Array {
  const bytes: number[] = [];
  let left = number;
  while (left >= 0x80) {
    bytes.push((left % 0x80) | 0x80);
    left = Math.floor(left / 0x80);
  }
  return Uint8Array.from([...bytes, left]);
}

/** A number and the bytes after it. */
export interface NumberInFront {
  readonly number: number;
  readonly rest: Uint8Array;
}

/**
 * Reads the number that bytes begin with.
 *
 * @throws Error if they do not begin with one
 */
export function readNumber(bytes: Uint8Array): NumberInFront {
  let number = 0;
  for (let index = 0; index < Math.min(bytes.byteLength, MAX_BYTES); index += 1) {
    const byte = bytes[index]!;
    number += (byte & 0x7f) * 0x80 ** index;
    if (byte < 0x80) return { number, rest: bytes.subarray(index + 1) };
  }
  throw new Error("the length in front of packed bytes has no end");
}
