import { breather, ITEM_WORK } from "../../event-loop/breather.ts";
import { chainLines } from "../items/lines.ts";
import type { Piece, StoredRun } from "./pieces.ts";

/** Reusing fewer stored bytes in the middle of a list costs more in the manifest than it saves. */
const MIN_REUSED_BYTES = 64;

/**
 * Finds which items of a list are stored already: a shared beginning, a shared end, and between them runs in
 * any order. The other items are new.
 */
export async function matchPieces(
  lines: readonly string[],
  runs: readonly StoredRun[],
): Promise<readonly Piece[]> {
  const builder = new PieceBuilder();
  const shared = await countSharedRuns(lines, runs);
  for (const run of runs.slice(0, shared.runs)) builder.addRun(run);
  if (shared.items < lines.length) {
    await matchItems(lines.slice(shared.items), runs.slice(shared.runs), builder);
  }
  return builder.pieces;
}

/** Most lists only grow: then all stored runs are shared, and no item has to be looked up. */
async function countSharedRuns(
  lines: readonly string[],
  runs: readonly StoredRun[],
): Promise<{ readonly runs: number; readonly items: number }> {
  let items = 0;
  for (const [index, run] of runs.entries()) {
    let place = items;
    for (const line of run.lines) {
      if (line !== lines[place]) return { runs: index, items };
      if (breather.isDue(comparing(line))) await breather.rest();
      place += 1;
    }
    items = place;
  }
  return { runs: runs.length, items };
}

async function matchItems(
  lines: readonly string[],
  runs: readonly StoredRun[],
  builder: PieceBuilder,
): Promise<void> {
  const old = new StoredItems(runs);
  const shortest = Math.min(lines.length, old.lines.length);
  let start = 0;
  while (start < shortest && old.lines[start] === lines[start]) {
    if (breather.isDue(comparing(lines[start]!))) await breather.rest();
    start += 1;
  }
  const oldEnd = old.lines.length - 1;
  const newEnd = lines.length - 1;
  let end = 0;
  while (end < shortest - start && old.lines[oldEnd - end] === lines[newEnd - end]) {
    if (breather.isDue(comparing(lines[newEnd - end]!))) await breather.rest();
    end += 1;
  }
  builder.addStored(old, 0, start);
  await matchMiddle(lines.slice(start, lines.length - end), old, { start, end }, builder);
  builder.addStored(old, old.lines.length - end, old.lines.length);
}

/**
 * @param shared how many old items at the start and at the end have kept their places
 */
async function matchMiddle(
  lines: readonly string[],
  old: StoredItems,
  shared: { readonly start: number; readonly end: number },
  builder: PieceBuilder,
): Promise<void> {
  const end = old.lines.length - shared.end;
  const positions = new Map<string, number>();
  for (let index = shared.start; lines.length > 0 && index < end; index += 1) {
    const line = old.lines[index]!;
    positions.set(line, index);
    if (breather.isDue(ITEM_WORK + line.length)) await breather.rest();
  }
  let index = 0;
  while (index < lines.length) {
    const line = lines[index]!;
    if (breather.isDue(ITEM_WORK + line.length)) await breather.rest();
    const position = positions.get(line);
    const found =
      position === undefined ? 0 : await countAlike(lines, index, old.lines, position, end);
    if (position === undefined || found === 0) {
      builder.addNew(line);
      index += 1;
    } else {
      builder.addStored(old, position, position + found);
      index += found;
    }
  }
}

/** How many items from two places on are the same; 0 if they have too few bytes to be reused. */
async function countAlike(
  lines: readonly string[],
  index: number,
  old: readonly string[],
  position: number,
  end: number,
): Promise<number> {
  const longest = Math.min(lines.length - index, end - position);
  let count = 0;
  let bytes = 0;
  while (count < longest && old[position + count] === lines[index + count]) {
    const line = lines[index + count]!;
    bytes += line.length;
    count += 1;
    if (breather.isDue(comparing(line))) await breather.rest();
  }
  return bytes < MIN_REUSED_BYTES ? 0 : count;
}

/** The work of comparing a line with an equal one, which is often the same string. */
function comparing(line: string): number {
  return line.length / 8 + 10;
}

/** The items of several runs, one after the other. */
class StoredItems {
  readonly lines: readonly string[];
  readonly #runs: readonly StoredRun[];

  constructor(runs: readonly StoredRun[]) {
    this.#runs = runs;
    this.lines = chainLines(runs.map((run) => run.lines));
  }

  /** The runs that some of the items are made of. */
  *slice(start: number, end: number): Generator<StoredRun> {
    let first = 0;
    for (const { segment, from, lines } of this.#runs) {
      const begin = Math.max(start - first, 0);
      const stop = Math.min(end - first, lines.length);
      if (begin < stop) yield { segment, from: from + begin, lines: lines.slice(begin, stop) };
      first += lines.length;
      if (first >= end) return;
    }
  }
}

/** Joins neighbouring items into as few pieces as possible. */
class PieceBuilder {
  readonly pieces: { lines: string[]; stored: Piece["stored"] }[] = [];

  addRun({ segment, from, lines }: StoredRun): void {
    this.pieces.push({ lines: [...lines], stored: { segment, from } });
  }

  addStored(items: StoredItems, start: number, end: number): void {
    for (const run of items.slice(start, end)) {
      const last = this.pieces.at(-1);
      if (
        last?.stored?.segment === run.segment &&
        last.stored.from + last.lines.length === run.from
      ) {
        for (const line of run.lines) last.lines.push(line);
      } else {
        this.addRun(run);
      }
    }
  }

  addNew(line: string): void {
    const last = this.pieces.at(-1);
    if (last !== undefined && last.stored === undefined) last.lines.push(line);
    else this.pieces.push({ lines: [line], stored: undefined });
  }
}
