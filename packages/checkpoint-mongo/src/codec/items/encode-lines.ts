import { isEncodedAs } from "../values/compare-encoded.ts";
import { encodeMember } from "../values/encode-value.ts";
import type { LineShadows } from "./line-shadows.ts";
import { formatEntry } from "./map-entries.ts";

// Most of a large value is the same as in the parent. For an equal line the parent's own string is used, so
// that the value is not in memory twice while it is put.

/** Where a container is in its channel, for errors. */
export interface Place {
  readonly channel: string;
  /** The keys that lead to it. */
  readonly path: readonly string[];
}

/**
 * The lines of a list's items.
 *
 * @param shadows to compare items with; without them, all are encoded
 */
export function encodeItems(
  items: readonly unknown[],
  { channel, path }: Place,
  stored: readonly string[],
  shadows?: LineShadows,
): string[] {
  const shift = stored.length - items.length;
  const lines: string[] = [];
  // Most lists change in one place: items before it have the same index, items after it are shifted.
  let isMoved = false;
  for (let index = 0; index < items.length; index += 1) {
    const here = stored[index];
    const moved = stored[index + shift];
    const likely = isMoved ? moved : here;
    const other = isMoved ? here : moved;
    if (likely !== undefined && isLine(items, index, likely, shadows)) {
      lines.push(likely);
    } else if (shift !== 0 && other !== undefined && isLine(items, index, other, shadows)) {
      isMoved = !isMoved;
      lines.push(other);
    } else {
      const line = encodeMember(items, index, channel, path);
      lines.push([here, moved].find((known) => known === line) ?? line);
    }
  }
  return lines;
}

function isLine(
  items: readonly unknown[],
  index: number,
  line: string,
  shadows: LineShadows | undefined,
): boolean {
  const shadow = shadows?.make(line);
  return shadow !== undefined && isEncodedAs(items, index, shadow.tree, shadow.form);
}

/** The line of every key of a map, in key order. */
export function encodeEntries(
  map: Readonly<Record<string, unknown>>,
  { channel, path }: Place,
  stored: ReadonlyMap<string, string>,
  shadows?: LineShadows,
): Map<string, string> {
  const entries = new Map<string, string>();
  for (const key of Object.keys(map)) {
    const same = stored.get(key);
    const shadow = same === undefined ? undefined : shadows?.make(same);
    if (shadow !== undefined && isEncodedAs(map, key, (shadow.tree as [string, unknown])[1])) {
      entries.set(key, shadow.line);
      continue;
    }
    const line = formatEntry(key, encodeMember(map, key, channel, path));
    entries.set(key, line === same ? same : line);
  }
  return entries;
}

/** The chunks of a long text. Equal chunks of the parent are reused. */
export function encodeChunks(text: Iterable<string>, stored: readonly string[]): string[] {
  const known = new Map(stored.map((chunk) => [chunk, chunk]));
  // A chunk may be a slice of the text, which would keep all of the text in memory.
  return Array.from(text, (chunk) => known.get(chunk) ?? Buffer.from(chunk).toString());
}
