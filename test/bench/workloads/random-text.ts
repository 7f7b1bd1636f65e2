import { createHash } from "node:crypto";

const DIGITS = Buffer.from("0123456789abcdefghijklmnopqrstuvwxyz");

/**
 * Pseudo-random base-36 text, the same for the same seed. It compresses to about two thirds, like
 * dense prose; repeated text would flatter a saver that compresses.
 *
 * Makes hardly any garbage, so that a measured peak of memory is not that of making the content.
 *
 * @param length characters
 */
export function randomText(seed: string, length: number): string {
  const next = mulberry32(createHash("sha256").update(seed).digest().readInt32LE());
  const text = Buffer.allocUnsafe(length);
  for (let index = 0; index < length; index += 1) {
    text[index] = DIGITS[Math.floor(next() * DIGITS.length)]!;
  }
  return text.toString("latin1");
}

/** Tommy Ettinger's generator, from 0 to below 1: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
