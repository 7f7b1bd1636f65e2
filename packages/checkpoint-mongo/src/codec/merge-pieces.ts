import { MAX_SEGMENT_BYTES, measureLines, type Piece } from "./pieces.ts";

/**
 * How many neighbouring pieces of one size class become one piece of the next. A list of N items
 * that grew by single items is then made of at most `15 · log16(N)` pieces, and each item was
 * rewritten `log16(N)` times (size-tiered compaction, as in log-structured merge trees).
 */
const FAN_OUT = 16;

/** Edits and forks leave slices between the size classes; more pieces than this are merged anyway. */
const MAX_PIECES = 60;

/** Makes one piece of several. A list joins the items; a map drops the overwritten entries. */
export type JoinPieces = (pieces: readonly Piece[]) => readonly string[];

/**
 * Merges small neighbouring pieces, so that a value stays a bounded number of segments however
 * often it was added to.
 */
export function mergePieces(pieces: readonly Piece[], join: JoinPieces): readonly Piece[] {
  return capPieces(mergeTail(pieces, join), join);
}

function mergeTail(pieces: readonly Piece[], join: JoinPieces): readonly Piece[] {
  let merged = pieces;
  for (;;) {
    const last = merged.at(-1);
    if (last === undefined) return merged;
    const sizeClass = classifySize(last);
    let start = merged.length;
    while (start > 0 && classifySize(merged[start - 1]!) <= sizeClass) start -= 1;
    const tail = merged.slice(start);
    if (tail.length < FAN_OUT || measurePieces(tail) > MAX_SEGMENT_BYTES) return merged;
    merged = [...merged.slice(0, start), { lines: join(tail), stored: undefined }];
  }
}

function capPieces(pieces: readonly Piece[], join: JoinPieces): readonly Piece[] {
  let capped = pieces;
  while (capped.length > MAX_PIECES) {
    const start = findCheapestWindow(capped);
    if (start === undefined) return capped;
    const window = capped.slice(start, start + FAN_OUT);
    capped = [
      ...capped.slice(0, start),
      { lines: join(window), stored: undefined },
      ...capped.slice(start + FAN_OUT),
    ];
  }
  return capped;
}

function findCheapestWindow(pieces: readonly Piece[]): number | undefined {
  const sizes = pieces.map((piece) => measureLines(piece.lines));
  let cheapest: { start: number; bytes: number } | undefined;
  for (let start = 0; start + FAN_OUT <= pieces.length; start += 1) {
    const bytes = sizes.slice(start, start + FAN_OUT).reduce((sum, size) => sum + size, 0);
    if (bytes <= MAX_SEGMENT_BYTES && (cheapest === undefined || bytes < cheapest.bytes)) {
      cheapest = { start, bytes };
    }
  }
  return cheapest?.start;
}

function classifySize(piece: Piece): number {
  return Math.floor(Math.log(Math.max(piece.lines.length, 1)) / Math.log(FAN_OUT));
}

function measurePieces(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + measureLines(piece.lines), 0);
}
