import type { Place } from "../../history/call.ts";
import { keyOf, type CheckedHistory, type Read } from "../checked-history.ts";
import type { Violation } from "../violation.ts";

/** From this time on, whoever looks for the latest finds this one or a later one. */
interface Known {
  readonly sinceMs: number;
  readonly position: number;
  readonly checkpoint: string;
}

/**
 * Checkpoints have the order in which they were put, and "the latest" never goes back in it, whoever
 * reads. That order is the one of the last list.
 */
export function checkOrder(checked: CheckedHistory): Violation[] {
  const readsByPlace = Map.groupBy(checked.reads, ({ call }) => keyOf(call));
  return checked.places.flatMap((place) => {
    const order = checked.orderOf(place);
    if (order === undefined) {
      const what = `nobody has listed ${place.thread} (namespace "${place.namespace}") in the end`;
      return [{ kind: "not checked" as const, what, shownBy: undefined }];
    }
    return checkPlace(checked, place, order, readsByPlace.get(keyOf(place)) ?? []);
  });
}

function checkPlace(
  checked: CheckedHistory,
  place: Place,
  order: ReadonlyMap<string, number>,
  reads: readonly Read[],
): Violation[] {
  const violations: Violation[] = [];
  const known: Known[] = [];
  for (const [checkpoint, position] of order) {
    const sinceMs = checked.checkpoint(place, checkpoint)?.acknowledgedAtMs;
    if (sinceMs !== undefined) known.push({ sinceMs, position, checkpoint });
  }
  for (const read of reads) {
    for (const { checkpoint } of read.tuples.slice(0, 1)) {
      if (read.call.op === "getTuple" && read.call.checkpoint !== null) continue;
      const position = order.get(checkpoint);
      if (mayComeAgain(checked, read, checkpoint)) continue;
      if (position !== undefined) known.push({ sinceMs: read.endedAtMs, position, checkpoint });
    }
    violations.push(...checkVanished(checked, read, order), ...checkListed(read, order));
  }
  const highestBefore = rememberHighest(known);
  for (const [checkpoint, position] of order) {
    const stored = checked.checkpoint(place, checkpoint);
    const before = stored && highestBefore(stored.invokedAtMs);
    if (before !== undefined && before.position >= position && before.checkpoint !== checkpoint) {
      const what = `checkpoint ${checkpoint} of ${place.thread} stands before ${before.checkpoint}, which was there when it was put`;
      violations.push({ kind: "stale", what, shownBy: undefined });
    }
  }
  for (const read of reads) {
    if (read.call.op === "getTuple" && read.call.checkpoint !== null) continue;
    const [latest] = read.tuples;
    const position = latest && order.get(latest.checkpoint);
    const before = highestBefore(read.invokedAtMs);
    if (position === undefined || before === undefined || before.position <= position) continue;
    const what = `the latest of ${place.thread} was ${latest!.checkpoint}, after ${before.checkpoint} had been there`;
    violations.push({ kind: "stale", what, shownBy: read.recorded });
  }
  return violations;
}

/**
 * Whether a checkpoint that was read may have been put in its final place only later: its put was not acknowledged
 * yet, and the thread ended. Then it is stored again, in the thread's next life.
 */
function mayComeAgain(
  checked: CheckedHistory,
  { call, invokedAtMs, endedAtMs }: Read,
  checkpoint: string,
): boolean {
  const acknowledgedAtMs = checked.checkpoint(call, checkpoint)?.acknowledgedAtMs ?? Infinity;
  if (acknowledgedAtMs < endedAtMs) return false;
  return checked.lives.mayBeGone(call.thread, invokedAtMs, endedAtMs, acknowledgedAtMs);
}

/** What has been read once stays. */
function checkVanished(
  { lives }: CheckedHistory,
  { call, tuples, recorded }: Read,
  order: ReadonlyMap<string, number>,
): Violation[] {
  if (lives.mayLose(call.thread)) return [];
  return tuples
    .filter(({ checkpoint }) => !order.has(checkpoint))
    .map(({ checkpoint }) => ({
      kind: "lost",
      what: `checkpoint ${checkpoint} of ${call.thread} was read and is not there in the end`,
      shownBy: recorded,
    }));
}

/** A list has each once, newest first. */
function checkListed(
  { call, tuples, recorded }: Read,
  order: ReadonlyMap<string, number>,
): Violation[] {
  if (call.op !== "list") return [];
  const positions = tuples.flatMap(({ checkpoint }) => order.get(checkpoint) ?? []);
  const isSorted = positions.every(
    (position, index) => position < (positions[index - 1] ?? Infinity),
  );
  if (isSorted && new Set(tuples.map(({ checkpoint }) => checkpoint)).size === tuples.length)
    return [];
  const what = `a list of ${call.thread} is not in the order in which its checkpoints were put`;
  return [{ kind: "stale", what, shownBy: recorded }];
}

/** Finds the highest position that was known before some time. */
function rememberHighest(known: readonly Known[]): (atMs: number) => Known | undefined {
  const sorted = known.toSorted((a, b) => a.sinceMs - b.sinceMs);
  let highest: Known | undefined;
  const highestUntil = sorted.map((one) => {
    if (highest === undefined || one.position > highest.position) highest = one;
    return highest;
  });
  return (atMs) => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]!.sinceMs < atMs) low = middle + 1;
      else high = middle;
    }
    return highestUntil[low - 1];
  };
}
