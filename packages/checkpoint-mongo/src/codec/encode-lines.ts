import { cutText } from "./cut-text.ts";
import { encodeMember } from "./encode-value.ts";
import { formatEntry } from "./map-entries.ts";

// Of a large value most is as it is in the parent. Where a line is, the parent's own string is taken
// for it, so that the value is not in memory once more while it is put.

/** The lines of a list's items. */
export function encodeItems(
  items: readonly unknown[],
  channel: string,
  stored: readonly string[],
): string[] {
  const shift = stored.length - items.length;
  return Array.from({ length: items.length }, (_, index) => {
    const line = encodeMember(items, index, channel);
    // Most lists change in one place: before it items are where they were, after it they are moved.
    if (line === stored[index]) return stored[index];
    return line === stored[index + shift] ? stored[index + shift]! : line;
  });
}

/** The line of every key of a map, in key order. */
export function encodeEntries(
  map: Readonly<Record<string, unknown>>,
  channel: string,
  stored: ReadonlyMap<string, string>,
): Map<string, string> {
  const entries = new Map<string, string>();
  for (const key of Object.keys(map)) {
    const line = formatEntry(key, encodeMember(map, key, channel));
    const same = stored.get(key);
    entries.set(key, line === same ? same : line);
  }
  return entries;
}

/** The chunks of a long text that is cut by its content. */
export function encodeChunks(text: Iterable<string>, stored: readonly string[]): string[] {
  const known = new Map(stored.map((chunk) => [chunk, chunk]));
  // A chunk may be a view of a text, all of which would stay in memory with it.
  return Array.from(text, (chunk) => known.get(chunk) ?? Buffer.from(chunk).toString());
}

/** A value that is longer is stored in chunks, so that a change of a part stores that part. */
export const MAX_WHOLE_LENGTH = 131_072;

/** The encoded text of a long string in chunks, without ever making all of that text. */
export function* encodeLongString(value: string): Generator<string> {
  yield QUOTE;
  for (const part of cutText(value)) {
    yield ESCAPED.test(part) ? JSON.stringify(part).slice(1, -1) : part;
  }
  yield QUOTE;
}

const QUOTE = '"';

/** Characters that JSON may write in another way. Most texts have none, and to look takes no memory. */
const ESCAPED = /[^ !#-[\]-\uD7FF\uE000-\uFFFF]/;
