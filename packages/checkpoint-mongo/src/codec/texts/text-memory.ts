/** Matches nothing in a string that V8 keeps as Latin-1, and is not even looked for in one. */
const BEYOND_LATIN_1 = /[^\0-\xff]/;

/** Whether V8 takes two bytes for each character of a text, since one is beyond Latin-1. */
export function isWide(text: string): boolean {
  return BEYOND_LATIN_1.test(text);
}

/** Bytes that the characters of a text take in memory. */
export function measureText(text: string): number {
  return isWide(text) ? 2 * text.length : text.length;
}
