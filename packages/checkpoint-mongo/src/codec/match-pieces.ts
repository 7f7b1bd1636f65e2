import type { Piece, StoredRun } from "./pieces.ts";

/** Reusing fewer stored bytes than this in mid-list costs more in the manifest than it saves. */
const MIN_REUSED_BYTES = 64;

/**
 * Expresses a list's items by what of them is stored already: a shared beginning, a shared end, and
 * between them whatever runs can be found again, in any order. What is left over is new.
 */
export function matchPieces(
  lines: readonly string[],
  runs: readonly StoredRun[],
): readonly Piece[] {
  const builder = new PieceBuilder();
  const shared = countSharedRuns(lines, runs);
  for (const run of runs.slice(0, shared.runs)) builder.addRun(run);
  matchItems(lines.slice(shared.items), runs.slice(shared.runs), builder);
  return builder.pieces;
}

/** Most lists only grow: then all stored runs are shared, and nothing need be looked at item by item. */
function countSharedRuns(
  lines: readonly string[],
  runs: readonly StoredRun[],
): { readonly runs: number; readonly items: number } {
  let items = 0;
  for (const [index, run] of runs.entries()) {
    if (!run.lines.every((line, offset) => line === lines[items + offset])) {
      return { runs: index, items };
    }
    items += run.lines.length;
  }
  return { runs: runs.length, items };
}

function matchItems(
  lines: readonly string[],
  runs: readonly StoredRun[],
  builder: PieceBuilder,
): void {
  const old = runs.flatMap((run) =>
    run.lines.map((line, offset) => ({ line, segment: run.segment, index: run.from + offset })),
  );
  const shortest = Math.min(lines.length, old.length);
  let start = 0;
  while (start < shortest && old[start]!.line === lines[start]) start += 1;
  let end = 0;
  while (
    end < shortest - start &&
    old[old.length - 1 - end]!.line === lines[lines.length - 1 - end]
  ) {
    end += 1;
  }
  for (const item of old.slice(0, start)) builder.addStored(item);
  matchMiddle(lines.slice(start, lines.length - end), old.slice(start, old.length - end), builder);
  for (const item of old.slice(old.length - end)) builder.addStored(item);
}

interface StoredItem {
  readonly line: string;
  readonly segment: string;
  readonly index: number;
}

function matchMiddle(
  lines: readonly string[],
  old: readonly StoredItem[],
  builder: PieceBuilder,
): void {
  const positions = new Map<string, number>();
  if (lines.length > 0) {
    for (const [index, { line }] of old.entries()) positions.set(line, index);
  }
  let index = 0;
  while (index < lines.length) {
    const position = positions.get(lines[index]!);
    const run = position === undefined ? [] : readRun(lines, index, old, position);
    const bytes = run.reduce((sum, item) => sum + item.line.length, 0);
    if (bytes >= MIN_REUSED_BYTES) {
      for (const item of run) builder.addStored(item);
      index += run.length;
    } else {
      builder.addNew(lines[index]!);
      index += 1;
    }
  }
}

function readRun(
  lines: readonly string[],
  index: number,
  old: readonly StoredItem[],
  position: number,
): readonly StoredItem[] {
  let length = 1;
  while (
    index + length < lines.length &&
    position + length < old.length &&
    old[position + length]!.line === lines[index + length]
  ) {
    length += 1;
  }
  return old.slice(position, position + length);
}

/** Joins neighbouring items into as few pieces as possible. */
class PieceBuilder {
  readonly pieces: { lines: string[]; stored: Piece["stored"] }[] = [];

  addRun({ segment, from, lines }: StoredRun): void {
    this.pieces.push({ lines: [...lines], stored: { segment, from } });
  }

  addStored({ line, segment, index }: StoredItem): void {
    const last = this.pieces.at(-1);
    if (last?.stored?.segment === segment && last.stored.from + last.lines.length === index) {
      last.lines.push(line);
    } else {
      this.pieces.push({ lines: [line], stored: { segment, from: index } });
    }
  }

  addNew(line: string): void {
    const last = this.pieces.at(-1);
    if (last !== undefined && last.stored === undefined) last.lines.push(line);
    else this.pieces.push({ lines: [line], stored: undefined });
  }
}
