import type { CheckpointPendingWrite } from "@langchain/langgraph-checkpoint";
import { isDeepStrictEqual } from "node:util";

/** A pending write of a checkpoint. */
export interface PositionedWrite {
  readonly taskId: string;
  /** The path of the task among those of its superstep; empty if it is not known. */
  readonly taskPath: string;
  /** The position among the writes of its task; negative for special channels. */
  readonly index: number;
  readonly channel: string;
  readonly value: unknown;
}

/**
 * Sorts pending writes in the order in which LangGraph applies them: by task path, task and index. So a
 * channel whose value depends on the order is the same after a resume. Writes without a path come first; of
 * each task, those to special channels come first.
 */
export function arrangeWrites(writes: readonly PositionedWrite[]): CheckpointPendingWrite[] {
  return writes
    .toSorted(compareWrites)
    .map(({ taskId, channel, value }) => [taskId, channel, value]);
}

/** Adds later writes: an ordinary write that exists stays, a special one is replaced. */
export function mergeWrites(
  writes: readonly PositionedWrite[],
  later: readonly PositionedWrite[],
): PositionedWrite[] {
  const merged = new Map<string, PositionedWrite>();
  for (const write of [...writes, ...dropRepeated(writes, later)]) {
    const key = JSON.stringify([write.taskId, write.index]);
    if (write.index < 0 || !merged.has(key)) merged.set(key, write);
  }
  return [...merged.values()];
}

/**
 * How many ordinary writes of a task a later call stores once more. Either none or all: the call has to begin
 * with all of them.
 *
 * LangGraph before 1.7 stores the writes that it has read once more if a resumed run fails again with
 * durability "exit". It gives them the positions in which it read them, which differ if the task wrote to
 * special channels too.
 *
 * @param stored ordered by index
 * @param later ordered by index
 */
export function countRepeated<Stored, Later>(
  stored: readonly Stored[],
  later: readonly Later[],
  isSame: (stored: Stored, later: Later) => boolean,
): number {
  const isRepetition =
    stored.length <= later.length && stored.every((write, index) => isSame(write, later[index]!));
  return isRepetition ? stored.length : 0;
}

function dropRepeated(
  writes: readonly PositionedWrite[],
  later: readonly PositionedWrite[],
): PositionedWrite[] {
  const byTask = Map.groupBy(later, ({ taskId }) => taskId);
  return [...byTask].flatMap(([taskId, own]) => {
    const ordinary = listOrdinary(own);
    const stored = listOrdinary(writes.filter((write) => write.taskId === taskId));
    const repeated = new Set(ordinary.slice(0, countRepeated(stored, ordinary, isSameWrite)));
    return own.filter((write) => !repeated.has(write));
  });
}

function listOrdinary(writes: readonly PositionedWrite[]): PositionedWrite[] {
  return writes.filter(({ index }) => index >= 0).toSorted((a, b) => a.index - b.index);
}

function isSameWrite(a: PositionedWrite, b: PositionedWrite): boolean {
  return a.channel === b.channel && isDeepStrictEqual(a.value, b.value);
}

/**
 * The order of `compareWritesSortKeys` of `@langchain/langgraph-checkpoint` 1.2, which earlier
 * versions that we support do not have.
 */
export function compareWrites(
  a: Pick<PositionedWrite, "taskPath" | "taskId" | "index">,
  b: Pick<PositionedWrite, "taskPath" | "taskId" | "index">,
): number {
  return (
    compareByCodePoint(a.taskPath, b.taskPath) ||
    compareByCodePoint(a.taskId, b.taskId) ||
    a.index - b.index
  );
}

/** Compares well-formed strings by code point, where `<` compares by UTF-16 code unit. */
function compareByCodePoint(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let index = 0; index < end; index += 1) {
    if (a.charCodeAt(index) !== b.charCodeAt(index)) {
      return a.codePointAt(index)! - b.codePointAt(index)!;
    }
  }
  return a.length - b.length;
}
