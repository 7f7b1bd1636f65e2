import { breather, ITEM_WORK } from "../../event-loop/breather.ts";

/** An entry of a map as one line: `["key",value]` sets it, `["key"]` deletes it. */
export function formatEntry(key: string, text: string): string {
  // By join: V8 keeps the parts of a template in memory until the line is first read.
  return ["[", JSON.stringify(key), ",", text, "]"].join("");
}

/** The line that deletes an entry. */
export function formatDeletion(key: string): string {
  return `[${JSON.stringify(key)}]`;
}

/** The key of an entry's line, and whether the line deletes it. */
export function readEntry(line: string): { readonly key: string; readonly deleted: boolean } {
  const quote = line.indexOf('"', 2);
  const key = line.slice(2, quote);
  if (!key.includes("\\")) return { key, deleted: line[quote + 1] === "]" };
  const end = findStringEnd(line);
  return { key: JSON.parse(line.slice(1, end)) as string, deleted: line[end] === "]" };
}

/** Applies entries in order: gives the last line of each key that is not deleted, in key order. */
export function replayEntries(lines: Iterable<string>): Map<string, string> {
  const live = new Map<string, string>();
  for (const line of lines) apply(live, line);
  return live;
}

/** What {@link replayEntries} gives, in pieces. */
export async function replayInPieces(lines: Iterable<string>): Promise<Map<string, string>> {
  const live = new Map<string, string>();
  for (const line of lines) {
    apply(live, line);
    if (breather.isDue(ITEM_WORK)) await breather.rest();
  }
  return live;
}

function apply(live: Map<string, string>, line: string): void {
  const { key, deleted } = readEntry(line);
  if (deleted) live.delete(key);
  else live.set(key, line);
}

function findStringEnd(line: string): number {
  let index = 2;
  while (line[index] !== '"') index += line[index] === "\\" ? 2 : 1;
  return index + 1;
}
