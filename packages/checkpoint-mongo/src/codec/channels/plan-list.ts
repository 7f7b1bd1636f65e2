import { chainLines } from "../items/lines.ts";
import { matchPieces } from "./match-pieces.ts";
import { mergePieces } from "./merge-pieces.ts";
import type { FindKnown, PlannedSlices, StoredRun } from "./pieces.ts";
import { storePieces } from "./store-pieces.ts";

/** Plans how the items of a list are stored, given how the parent's are. */
export async function planList(
  lines: readonly string[],
  runs: readonly StoredRun[],
  findKnown: FindKnown,
): Promise<PlannedSlices> {
  const matched = await matchPieces(lines, runs);
  const pieces = await mergePieces(matched, (neighbours) =>
    chainLines(neighbours.map((piece) => piece.lines)),
  );
  return storePieces(pieces, findKnown);
}
