/** V8 does not even look for it in a string that it keeps as Latin-1. */
const BEYOND_LATIN_1 = /[^\0-\xff]/;

/** Whether V8 keeps a text with two bytes a character, because one is beyond Latin-1. */
export function isWide(text: string): boolean {
  return BEYOND_LATIN_1.test(text);
}

/** How many bytes the characters of a text take in memory. */
export function measureText(text: string): number {
  return isWide(text) ? 2 * text.length : text.length;
}
