import { breather, ITEM_WORK } from "../../event-loop/breather.ts";
import { formatDeletion, readEntry } from "../items/map-entries.ts";
import { measureLines } from "../items/lines.ts";
import { mergePieces } from "./merge-pieces.ts";
import type { FindKnown, Piece, PlannedSlices, StoredRun } from "./pieces.ts";
import { storePieces } from "./store-pieces.ts";

/** A map whose stored entries take more than this many times its live ones is written anew. */
const MAX_GARBAGE_RATIO = 2;

/** How the parent's map is stored. */
export interface StoredMap {
  readonly runs: readonly StoredRun[];
  /** The line of every key that it comes to. */
  readonly live: ReadonlyMap<string, string>;
}

/**
 * Plans how a map's entries are stored, given how the parent's were: what changed is appended;
 * what was overwritten too often is left behind.
 *
 * @param entries the line of every key, in key order
 */
export async function planMap(
  entries: ReadonlyMap<string, string>,
  { runs, live: before }: StoredMap,
  findKnown: FindKnown,
): Promise<PlannedSlices> {
  const stored = runs.map(({ segment, from, lines }) => ({ lines, stored: { segment, from } }));
  const changes = await listChanges(entries, before);
  const appended =
    changes.length === 0 ? stored : [...stored, { lines: changes, stored: undefined }];
  const live = [...entries.values()];
  if (breather.isDue(live.length)) await breather.rest();
  const liveBytes = measureLines(live);
  let storedBytes = 0;
  for (const { lines } of appended) {
    storedBytes += measureLines(lines);
    if (breather.isDue(lines.length)) await breather.rest();
  }
  const pieces: readonly Piece[] =
    storedBytes > MAX_GARBAGE_RATIO * liveBytes
      ? [{ lines: live, stored: undefined }]
      : await mergePieces(appended, dropOverwritten);
  return storePieces(pieces, findKnown);
}

async function listChanges(
  entries: ReadonlyMap<string, string>,
  stored: ReadonlyMap<string, string>,
): Promise<string[]> {
  const changes: string[] = [];
  const unmoved = await countUnmoved(entries, stored);
  let named = 0;
  for (const key of stored.keys()) {
    const isLive = entries.has(key);
    const isMoved = isLive && !isNumbered(key) && ++named > unmoved;
    if (!isLive || isMoved) changes.push(formatDeletion(key));
    if (breather.isDue(ITEM_WORK)) await breather.rest();
  }
  named = 0;
  for (const [key, line] of entries) {
    const isMoved = !isNumbered(key) && ++named > unmoved;
    if (isMoved || stored.get(key) !== line) changes.push(line);
    if (breather.isDue(ITEM_WORK)) await breather.rest();
  }
  return changes;
}

/**
 * How many keys at the beginning would come back in the places that they have now: from the first
 * difference on, all of them are deleted and set again. Infinity where there is none. Whole numbers
 * don't count: an object has them first, and sorted, whenever they were set.
 */
async function countUnmoved(
  entries: ReadonlyMap<string, string>,
  stored: ReadonlyMap<string, string>,
): Promise<number> {
  const wanted = entries.keys();
  let unmoved = 0;
  for (const key of stored.keys()) {
    if (breather.isDue(ITEM_WORK)) await breather.rest();
    if (isNumbered(key) || !entries.has(key)) continue;
    if (nextNamed(wanted) !== key) return unmoved;
    unmoved += 1;
  }
  // What is new comes after all that is stored.
  return Infinity;
}

function nextNamed(keys: Iterator<string, undefined>): string | undefined {
  let next = keys.next();
  while (next.done !== true && isNumbered(next.value)) next = keys.next();
  return next.done === true ? undefined : next.value;
}

/** Whether an object has a key among its whole numbers. */
function isNumbered(key: string): boolean {
  const first = key.charCodeAt(0);
  return first >= DIGIT_0 && first <= DIGIT_9 && WHOLE_NUMBER.test(key) && Number(key) <= MAX_INDEX;
}

const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const WHOLE_NUMBER = /^(?:0|[1-9]\d*)$/;
const MAX_INDEX = 2 ** 32 - 2;

/**
 * Keeps the last line of each key. A deletion is kept too, ahead of what was set after it: an
 * earlier piece may hold the key, and a key that is set again after a deletion stands last.
 */
async function dropOverwritten(pieces: readonly Piece[]): Promise<readonly string[]> {
  const deleted = new Set<string>();
  const live = new Map<string, string>();
  for (const line of pieces.flatMap((piece) => piece.lines)) {
    const entry = readEntry(line);
    if (entry.deleted) {
      deleted.add(entry.key);
      live.delete(entry.key);
    } else {
      live.set(entry.key, line);
    }
    if (breather.isDue(ITEM_WORK)) await breather.rest();
  }
  return [...Array.from(deleted, formatDeletion), ...live.values()];
}
