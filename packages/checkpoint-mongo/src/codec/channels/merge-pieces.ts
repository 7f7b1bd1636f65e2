import { breather } from "../../event-loop/breather.ts";
import { measureLines } from "../items/lines.ts";
import type { Piece } from "./pieces.ts";
import { MAX_SEGMENT_BYTES } from "./store-pieces.ts";

/** A value is made of at most this many segments, if their size allows it. */
const MAX_PIECES = 60;

/** How many neighbouring pieces become one. */
const MAX_MERGED = 16;

/** Joins pieces to one. A list joins the items; a map drops overwritten entries. */
export type JoinPieces = (
  pieces: readonly Piece[],
) => readonly string[] | Promise<readonly string[]>;

/**
 * Merges small neighbouring pieces if edits and forks have left too many, so that a value consists of a
 * bounded number of segments however often it was changed.
 */
export async function mergePieces(
  pieces: readonly Piece[],
  join: JoinPieces,
): Promise<readonly Piece[]> {
  if (pieces.length <= MAX_PIECES) return pieces;
  const merged = [...pieces];
  const sizes: number[] = [];
  for (const { lines } of pieces) {
    sizes.push(measureLines(lines));
    if (breather.isDue(lines.length)) await breather.rest();
  }
  while (merged.length > MAX_PIECES) {
    const window = findCheapestWindow(sizes);
    if (window === undefined) return merged;
    const { start, end } = window;
    const lines = await join(merged.slice(start, end));
    const size = measureLines(lines);
    merged.splice(start, end - start, { lines, stored: undefined });
    sizes.splice(start, end - start, size);
    if (breather.isDue(merged.length * MAX_MERGED + size)) await breather.rest();
  }
  return merged;
}

/** The neighbours with the fewest bytes per piece that is saved, among those that fit into a segment. */
function findCheapestWindow(
  sizes: readonly number[],
): { readonly start: number; readonly end: number } | undefined {
  let cheapest: { start: number; end: number; price: number } | undefined;
  for (let start = 0; start + 1 < sizes.length; start += 1) {
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
