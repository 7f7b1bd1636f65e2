import { formatDeletion, readEntry } from "./map-entries.ts";
import { measureLines } from "./lines.ts";
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
export function planMap(
  entries: ReadonlyMap<string, string>,
  { runs, live: before }: StoredMap,
  findKnown: FindKnown,
): PlannedSlices {
  const stored = runs.map(({ segment, from, lines }) => ({ lines, stored: { segment, from } }));
  const changes = listChanges(entries, before);
  const appended =
    changes.length === 0 ? stored : [...stored, { lines: changes, stored: undefined }];
  const live = [...entries.values()];
  const storedBytes = appended.reduce((sum, piece) => sum + measureLines(piece.lines), 0);
  const pieces: readonly Piece[] =
    storedBytes > MAX_GARBAGE_RATIO * measureLines(live)
      ? [{ lines: live, stored: undefined }]
      : mergePieces(appended, dropOverwritten);
  return storePieces(pieces, findKnown);
}

function listChanges(
  entries: ReadonlyMap<string, string>,
  stored: ReadonlyMap<string, string>,
): string[] {
  const moved = findMovedKeys(entries, stored);
  const changes: string[] = [];
  for (const key of stored.keys()) {
    if (!entries.has(key) || moved.has(key)) changes.push(formatDeletion(key));
  }
  for (const [key, line] of entries) {
    if (moved.has(key) || stored.get(key) !== line) changes.push(line);
  }
  return changes;
}

const NO_KEYS: ReadonlySet<string> = new Set();

/**
 * Keys that would come back in another place than they have now: from the first difference on, all
 * of them are deleted and set again.
 */
function findMovedKeys(
  entries: ReadonlyMap<string, string>,
  stored: ReadonlyMap<string, string>,
): ReadonlySet<string> {
  if (beginsAlike(entries, stored)) return NO_KEYS;
  const wanted = [...entries.keys()];
  // As an object orders them, whole numbers first.
  const replayed: Record<string, true> = Object.create(null) as Record<string, true>;
  for (const key of stored.keys()) if (entries.has(key)) replayed[key] = true;
  for (const key of wanted) replayed[key] = true;
  const actual = Object.keys(replayed);
  const difference = wanted.findIndex((key, index) => key !== actual[index]);
  return difference === -1 ? NO_KEYS : new Set(wanted.slice(difference));
}

/** Whether the first keys of a map are all those that are stored: most maps change and grow only. */
function beginsAlike(
  entries: ReadonlyMap<string, string>,
  stored: ReadonlyMap<string, string>,
): boolean {
  const keys = entries.keys();
  for (const key of stored.keys()) if (keys.next().value !== key) return false;
  return true;
}

/**
 * Keeps the last line of each key. A deletion is kept too, ahead of what was set after it: an
 * earlier piece may hold the key, and a key that is set again after a deletion stands last.
 */
function dropOverwritten(pieces: readonly Piece[]): readonly string[] {
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
  }
  return [...Array.from(deleted, formatDeletion), ...live.values()];
}
