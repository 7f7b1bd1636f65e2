import type { PutWritesCall, Seen, WrittenValue } from "../../history/call.ts";
import type { CheckedHistory, Read, Stored } from "../checked-history.ts";
import type { Violation, ViolationKind } from "../violation.ts";

/** What is read was written, as it is read, before the read ended. */
export function checkContents(checked: CheckedHistory): Violation[] {
  return checked.reads.flatMap((read) =>
    read.tuples.flatMap((tuple) => [
      ...checkCheckpoint(checked, read, tuple),
      ...Object.entries(tuple.writes).flatMap(([task, values]) =>
        checkTask(checked, read, tuple, task, values),
      ),
    ]),
  );
}

function checkCheckpoint(checked: CheckedHistory, read: Read, seen: Seen): Violation[] {
  const { call } = read;
  const show = shownBy(read, `checkpoint ${seen.checkpoint} of ${call.thread}`);
  const stored = checked.checkpoint(call, seen.checkpoint);
  if (stored === undefined || stored.invokedAtMs > read.endedAtMs) {
    return [show("invented", "was put by nobody")];
  }
  const violations: Violation[] = [];
  const [put] = stored.calls;
  if (call.op === "getTuple" && call.checkpoint !== null && call.checkpoint !== seen.checkpoint) {
    violations.push(show("wrong", `came instead of ${call.checkpoint}`));
  }
  if (put!.content !== seen.content) violations.push(show("wrong", "has another content"));
  const isOrphan = seen.parent === null && checked.lives.mayLose(call.thread);
  if (put!.parent !== seen.parent && !isOrphan) {
    violations.push(show("broken chain", `has the parent ${seen.parent}, not ${put!.parent}`));
  }
  if (checked.lives.wasDeleted(call.thread, stored.endedAtMs, read.invokedAtMs)) {
    violations.push(show("resurrected", "was deleted before"));
  }
  return violations;
}

function checkTask(
  checked: CheckedHistory,
  read: Read,
  { checkpoint }: Seen,
  task: string,
  values: readonly WrittenValue[],
): Violation[] {
  const { call } = read;
  const show = shownBy(read, `what task ${task} wrote after ${checkpoint} of ${call.thread}`);
  const stored = checked.writesOf(call, checkpoint).get(task);
  if (stored === undefined || stored.invokedAtMs > read.endedAtMs) {
    return [show("invented", "was written by nobody")];
  }
  const violations: Violation[] = [];
  if (!stored.calls.some(({ writes }) => isSame(writes, values))) {
    violations.push(
      isPart(stored, values)
        ? show("partial", `is there in part: ${values.length} values`)
        : show("wrong", "has another content"),
    );
  }
  if (checked.lives.wasDeleted(call.thread, stored.endedAtMs, read.invokedAtMs)) {
    violations.push(show("resurrected", "was deleted before"));
  }
  return violations;
}

function isSame(a: readonly WrittenValue[], b: readonly WrittenValue[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function isPart({ calls }: Stored<PutWritesCall>, values: readonly WrittenValue[]): boolean {
  return calls.some(({ writes }) => {
    const texts = new Set(writes.map((write) => JSON.stringify(write)));
    return values.every((value) => texts.has(JSON.stringify(value)));
  });
}

function shownBy({ recorded }: Read, what: string) {
  return (kind: ViolationKind, how: string): Violation => ({
    kind,
    what: `${what} ${how}`,
    shownBy: recorded,
  });
}
