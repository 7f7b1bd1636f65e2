import { measureLines } from "./lines.ts";
import type { Piece } from "./pieces.ts";
import { MAX_SEGMENT_BYTES } from "./store-pieces.ts";

/** A value is made of at most this many segments, as long as their size allows it. */
const MAX_PIECES = 60;

/** How many neighbouring pieces become one. */
const MAX_MERGED = 16;

/** Makes one piece of several. A list joins the items; a map drops the overwritten entries. */
export type JoinPieces = (pieces: readonly Piece[]) => readonly string[];

/**
 * Merges small neighbouring pieces where edits, forks and a great length have left many, so that a
 * value stays a bounded number of segments however often it was changed.
 */
export function mergePieces(pieces: readonly Piece[], join: JoinPieces): readonly Piece[] {
  let merged = pieces;
  while (merged.length > MAX_PIECES) {
    const window = findCheapestWindow(merged);
    if (window === undefined) return merged;
    const { start, end } = window;
    const lines = join(merged.slice(start, end));
    merged = [...merged.slice(0, start), { lines, stored: undefined }, ...merged.slice(end)];
  }
  return merged;
}

/** The neighbours that take the fewest bytes for each piece there is less, if they fit together. */
function findCheapestWindow(
  pieces: readonly Piece[],
): { readonly start: number; readonly end: number } | undefined {
  const sizes = pieces.map((piece) => measureLines(piece.lines));
  let cheapest: { start: number; end: number; price: number } | undefined;
  for (let start = 0; start + 1 < pieces.length; start += 1) {
    let end = start;
    let bytes = 0;
    while (
      end < Math.min(start + MAX_MERGED, sizes.length) &&
      bytes + sizes[end]! <= MAX_SEGMENT_BYTES
    ) {
      bytes += sizes[end]!;
      end += 1;
    }
    const price = bytes / (end - start - 1);
    if (end - start > 1 && (cheapest === undefined || price < cheapest.price)) {
      cheapest = { start, end, price };
    }
  }
  return cheapest;
}
