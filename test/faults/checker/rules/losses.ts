import type { Place, PutCall, PutWritesCall } from "../../history/call.ts";
import { keyOf, type CheckedHistory, type Read, type Stored } from "../checked-history.ts";
import type { Violation } from "../violation.ts";

/** What was acknowledged before a read began is there. */
export function checkLosses(checked: CheckedHistory): Violation[] {
  const byPlace = Map.groupBy(checked.checkpoints.values(), ({ calls }) => keyOf(calls[0]!));
  return checked.reads.flatMap((read) => {
    const all = byPlace.get(keyOf(read.call)) ?? [];
    return [...checkCheckpoints(checked, read, all), ...checkWrites(checked, read)];
  });
}

function checkCheckpoints(
  checked: CheckedHistory,
  read: Read,
  all: readonly Stored<PutCall>[],
): Violation[] {
  const { call, tuples } = read;
  const seen = new Set(tuples.map(({ checkpoint }) => checkpoint));
  return listExpected(checked, read, all)
    .filter(
      (one) =>
        one.acknowledgedAtMs < read.invokedAtMs &&
        !seen.has(one.calls[0]!.checkpoint) &&
        !mayBeGone(checked, read, call, one),
    )
    .map(({ calls }) => ({
      kind: "lost",
      what: `checkpoint ${calls[0]!.checkpoint} of ${call.thread} had been acknowledged`,
      shownBy: read.recorded,
    }));
}

/** The checkpoints that a read has to return if they are there. */
function listExpected(
  checked: CheckedHistory,
  { call, tuples }: Read,
  all: readonly Stored<PutCall>[],
): readonly Stored<PutCall>[] {
  if (call.op === "getTuple") {
    // The latest, whichever it is, shows that there is one.
    if (tuples.length > 0) return [];
    if (call.checkpoint === null) return all;
    const named = checked.checkpoint(call, call.checkpoint);
    return named === undefined ? [] : [named];
  }
  if (call.limit === null || tuples.length < call.limit) return all;
  // Those between the newest and the oldest that it returned.
  const order = checked.orderOf(call);
  const oldest = order?.get(tuples.at(-1)?.checkpoint ?? "") ?? Infinity;
  return all.filter(({ calls }) => (order?.get(calls[0]!.checkpoint) ?? -1) > oldest);
}

function checkWrites(checked: CheckedHistory, read: Read): Violation[] {
  const { call, tuples } = read;
  const violations: Violation[] = [];
  for (const { checkpoint, writes } of tuples) {
    for (const [task, stored] of checked.writesOf(call, checkpoint)) {
      if (stored.acknowledgedAtMs >= read.invokedAtMs || Object.hasOwn(writes, task)) continue;
      if (mayBeGone(checked, read, call, stored)) continue;
      violations.push({
        kind: "lost",
        what: `what task ${task} wrote after ${checkpoint} of ${call.thread} had been acknowledged`,
        shownBy: read.recorded,
      });
    }
  }
  return violations;
}

function mayBeGone(
  { lives }: CheckedHistory,
  { endedAtMs }: Read,
  { thread }: Place,
  { acknowledgedFromMs, acknowledgedAtMs }: Stored<PutCall | PutWritesCall>,
): boolean {
  return lives.mayBeGone(thread, acknowledgedFromMs, acknowledgedAtMs, endedAtMs);
}
