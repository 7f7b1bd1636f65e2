import { matchPieces } from "./match-pieces.ts";
import { mergePieces } from "./merge-pieces.ts";
import { storePieces, type PlannedSlices, type StoredRun } from "./pieces.ts";

/**
 * Plans how a list's items are stored, given how the parent's were.
 *
 * @param sizeOfSegment the number of items of a stored segment
 */
export function planList(
  lines: readonly string[],
  runs: readonly StoredRun[],
  sizeOfSegment: (segment: string) => number | undefined,
): PlannedSlices {
  const pieces = mergePieces(matchPieces(lines, runs), (neighbours) =>
    neighbours.flatMap((piece) => piece.lines),
  );
  return storePieces(pieces, sizeOfSegment);
}
