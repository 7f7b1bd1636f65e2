import { createHash } from "node:crypto";

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz";

/** Bytes from this on would make the first digits more frequent than the others. */
const UNBIASED_BYTES = Math.floor(256 / DIGITS.length) * DIGITS.length;

/**
 * Pseudo-random base-36 text, the same for the same seed. It compresses to about two thirds, like
 * dense prose; repeated text would flatter a saver that compresses.
 *
 * @param length characters
 */
export function randomText(seed: string, length: number): string {
  // Some bytes are left out; a quarter more is enough with a wide margin.
  const outputLength = Math.ceil(length * 1.25) + 64;
  const bytes = createHash("shake256", { outputLength }).update(seed).digest();
  const text = Buffer.allocUnsafe(length);
  let written = 0;
  for (const byte of bytes) {
    if (written === length) break;
    if (byte >= UNBIASED_BYTES) continue;
    text[written] = DIGITS.charCodeAt(byte % DIGITS.length);
    written += 1;
  }
  return text.toString("latin1");
}
