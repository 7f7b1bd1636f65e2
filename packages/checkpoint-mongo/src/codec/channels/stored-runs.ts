import { parseSegmentId } from "../../documents/segment-id.ts";
import type { ChannelManifest, SlicedKind } from "../../documents/manifest.ts";
import { chainLines } from "../items/lines.ts";
import type { FindKnown, StoredRun } from "./pieces.ts";

/** The stored runs of a value of this kind, as far as they are in memory. */
export function readRuns(
  kind: SlicedKind,
  parent: ChannelManifest | undefined,
  findKnown: FindKnown,
): readonly StoredRun[] {
  if (parent?.kind !== kind) return [];
  const runs: StoredRun[] = [];
  for (const { segment, from, to } of parent.slices) {
    const lines = findKnown(segment)?.read(parseSegmentId(segment));
    // A map's later entries mean nothing without the earlier ones.
    if (lines === undefined && kind === "map") return [];
    if (lines === undefined) continue;
    runs.push({
      segment,
      from,
      lines: from === 0 && to === undefined ? lines : lines.slice(from, to),
    });
  }
  return runs;
}

export function* eachLine(runs: readonly StoredRun[]): Generator<string> {
  for (const { lines } of runs) yield* lines;
}

export function listLines(runs: readonly StoredRun[]): readonly string[] {
  return chainLines(runs.map(({ lines }) => lines));
}
