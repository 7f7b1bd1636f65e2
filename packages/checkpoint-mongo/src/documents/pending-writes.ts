import type { CheckpointPendingWrite } from "@langchain/langgraph-checkpoint";

/** A pending write of a checkpoint. */
export interface PositionedWrite {
  readonly taskId: string;
  /** Position among the writes of its task; below zero for the special channels. */
  readonly index: number;
  readonly channel: string;
  readonly value: unknown;
}

/**
 * Puts pending writes in order: task by task, each ordinary one at its own position, as far as those
 * to special channels, which have none, fill the gaps. LangGraph at times stores what it has read
 * once more: a write that had moved would then be there twice.
 */
export function arrangeWrites(writes: readonly PositionedWrite[]): CheckpointPendingWrite[] {
  const tasks = Map.groupBy(writes, ({ taskId }) => taskId);
  const arranged = [...tasks]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, own]) => arrangeTask(own));
  return arranged.map(({ taskId, channel, value }) => [taskId, channel, value]);
}

/** What is pending with later writes: an ordinary one that is there stays, a special one gives way. */
export function mergeWrites(
  writes: readonly PositionedWrite[],
  later: readonly PositionedWrite[],
): PositionedWrite[] {
  const merged = new Map<string, PositionedWrite>();
  for (const write of [...writes, ...later]) {
    const key = JSON.stringify([write.taskId, write.index]);
    if (write.index < 0 || !merged.has(key)) merged.set(key, write);
  }
  return [...merged.values()];
}

function arrangeTask(writes: readonly PositionedWrite[]): PositionedWrite[] {
  const sorted = writes.toSorted((a, b) => a.index - b.index);
  const special = sorted.filter(({ index }) => index < 0);
  const arranged: PositionedWrite[] = [];
  for (const write of sorted.slice(special.length)) {
    arranged.push(...special.splice(0, Math.max(0, write.index - arranged.length)), write);
  }
  return [...arranged, ...special];
}
