import { matchPieces } from "./match-pieces.ts";
import { mergePieces } from "./merge-pieces.ts";
import type { FindKnown, PlannedSlices, StoredRun } from "./pieces.ts";
import { storePieces } from "./store-pieces.ts";

/** Plans how a list's items are stored, given how the parent's were. */
export function planList(
  lines: readonly string[],
  runs: readonly StoredRun[],
  findKnown: FindKnown,
): PlannedSlices {
  const pieces = mergePieces(matchPieces(lines, runs), (neighbours) =>
    neighbours.flatMap((piece) => piece.lines),
  );
  return storePieces(pieces, findKnown);
}
