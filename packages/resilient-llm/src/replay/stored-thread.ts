import type {
  BaseCheckpointSaver,
  CheckpointPendingWrite,
  CheckpointTuple,
} from "@langchain/langgraph-checkpoint";

/** LangGraph's name of the writes that answer interrupts. */
const RESUME = "__resume__";
/** LangGraph's task of what a `Command` brings. */
const NULL_TASK_ID = "00000000-0000-0000-0000-000000000000";

/** A stored checkpoint of the root graph, without its values. */
export interface StoredStep {
  readonly checkpointId: string;
  readonly step: number;
  /** The checkpoint that the step which began here led to. `undefined`: to none. */
  readonly ledTo: string | undefined;
}

interface Head {
  readonly id: string;
  readonly parentId: string | undefined;
  readonly source: string | undefined;
  readonly step: number;
}

/** Answers to the interrupts of a task in a subgraph. */
interface NestedAnswers {
  readonly checkpointId: string;
  readonly namespace: string;
  readonly values: readonly unknown[];
}

/** A thread as it is stored. */
export class StoredThread {
  /** All steps, the first one first. */
  readonly steps: readonly StoredStep[];
  readonly #nested: readonly NestedAnswers[];

  private constructor(heads: readonly Head[], nested: readonly NestedAnswers[]) {
    const ledTo = new Map<string, string>();
    // The latest one comes first: of two that a step led to, that one counts.
    for (const { id, parentId, source } of heads) {
      const isNew = parentId !== undefined && !ledTo.has(parentId);
      if (source === "loop" && isNew) ledTo.set(parentId, id);
    }
    this.steps = heads
      .toReversed()
      .map(({ id, step }) => ({ checkpointId: id, step: step + 1, ledTo: ledTo.get(id) }));
    this.#nested = nested.toSorted(
      (left, right) =>
        Number(left.checkpointId > right.checkpointId) -
        Number(left.checkpointId < right.checkpointId),
    );
  }

  /** Reads what there is of a thread, in one pass over its checkpoints. */
  static async read(checkpointer: BaseCheckpointSaver, threadId: string): Promise<StoredThread> {
    const heads: Head[] = [];
    const nested: NestedAnswers[] = [];
    for await (const tuple of checkpointer.list({ configurable: { thread_id: threadId } })) {
      const namespace = String(tuple.config.configurable?.["checkpoint_ns"] ?? "");
      if (namespace === "") heads.push(readHead(tuple));
      else nested.push(...readAnswers(namespace, tuple));
    }
    return new StoredThread(heads, nested);
  }

  /**
   * The answers to the interrupts inside of subgraphs that these tasks ran, in order. They are stored with the
   * subgraphs' own checkpoints, which have other ids when they run again.
   */
  listNestedAnswers(taskIds: readonly string[]): unknown[] {
    return this.#nested
      .filter(({ namespace }) => taskIds.some((id) => namespace.includes(`:${id}`)))
      .flatMap(({ values }) => values);
  }
}

function readHead({ checkpoint, metadata, parentConfig }: CheckpointTuple): Head {
  const parentId = parentConfig?.configurable?.["checkpoint_id"] as string | undefined;
  const { source, step = 0 } = metadata ?? {};
  return { id: checkpoint.id, parentId, source, step };
}

function readAnswers(
  namespace: string,
  { checkpoint, pendingWrites = [] }: CheckpointTuple,
): NestedAnswers[] {
  return pendingWrites
    .filter(([taskId, channel]) => channel === RESUME && taskId !== NULL_TASK_ID)
    .map(([, , value]) => ({
      checkpointId: checkpoint.id,
      namespace,
      values: Array.isArray(value) ? value : [value],
    }));
}

/**
 * What is given to a step that runs again: what commands brought and the answers to interrupts, but nothing that its
 * tasks returned.
 *
 * @param hasNestedAnswers the answers are given one after the other, as they came
 */
export function keepAnswers(
  writes: readonly CheckpointPendingWrite[],
  hasNestedAnswers: boolean,
): CheckpointPendingWrite[] {
  const ofTasks = writes.filter(([id, channel]) => channel === RESUME && id !== NULL_TASK_ID);
  const ofCommands = writes.filter(([id, channel]) => {
    if (id !== NULL_TASK_ID) return false;
    // A task that took the answer has noted it, with those that it had before.
    return channel !== RESUME || (ofTasks.length === 0 && !hasNestedAnswers);
  });
  return [...ofCommands, ...ofTasks];
}
