import { breather, ITEM_WORK } from "../../event-loop/breather.ts";
import { formatDeletion, readEntry } from "../items/map-entries.ts";
import { chainLines, measureInPieces } from "../items/lines.ts";
import { mergePieces } from "./merge-pieces.ts";
import type { FindKnown, Piece, PlannedSlices, StoredRun } from "./pieces.ts";
import { storePieces } from "./store-pieces.ts";

/** A map is written again if its stored entries take more than this many times its live ones. */
const MAX_GARBAGE_RATIO = 2;

/** How the parent's map is stored. */
export interface StoredMap {
  readonly runs: readonly StoredRun[];
  /** The line of every key, after all entries are applied. */
  readonly live: ReadonlyMap<string, string>;
}

/**
 * Plans how the entries of a map are stored, given how the parent's are: changed entries are appended. If too
 * much is overwritten, the map is written again.
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
  const liveBytes = await measureInPieces(entries.values());
  let storedBytes = 0;
  for (const { lines } of appended) storedBytes += await measureInPieces(lines);
  const pieces: readonly Piece[] =
    storedBytes > MAX_GARBAGE_RATIO * liveBytes
      ? [{ lines: [...entries.values()], stored: undefined }]
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
 * How many keys at the beginning keep their order; all keys after the first difference are deleted and set
 * again. Infinity if there is no difference. Whole numbers do not count: an object always has them first and
 * sorted.
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
  // New keys come after all stored ones.
  return Infinity;
}

function nextNamed(keys: Iterator<string, undefined>): string | undefined {
  let next = keys.next();
  while (next.done !== true && isNumbered(next.value)) next = keys.next();
  return next.done === true ? undefined : next.value;
}

/** Whether an object sorts a key among its whole numbers. */
function isNumbered(key: string): boolean {
  const first = key.charCodeAt(0);
  return first >= DIGIT_0 && first <= DIGIT_9 && WHOLE_NUMBER.test(key) && Number(key) <= MAX_INDEX;
}

const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const WHOLE_NUMBER = /^(?:0|[1-9]\d*)$/;
const MAX_INDEX = 2 ** 32 - 2;

/**
 * Keeps the last line of each key. Deletions are kept too, before the entries: an earlier piece may hold the
 * key, and a key that is set again after a deletion comes last.
 */
async function dropOverwritten(pieces: readonly Piece[]): Promise<readonly string[]> {
  const deleted = new Set<string>();
  const live = new Map<string, string>();
  for (const line of chainLines(pieces.map((piece) => piece.lines))) {
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
