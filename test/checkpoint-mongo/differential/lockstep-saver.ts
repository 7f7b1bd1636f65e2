import type { RunnableConfig } from "@langchain/core/runnables";
import {
  BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointTuple,
  type DeltaChannelHistory,
  type MemorySaver,
  type PendingWrite,
} from "@langchain/langgraph-checkpoint";
import { findDifference } from "./find-difference.ts";
import { normalizeList, normalizeTuple } from "./normalize-tuple.ts";

/** Ends a process, as far as its saver is concerned: from the given call on, none comes through. */
export class Lifeline {
  /** Calls that came through, for whoever wants to know how far the process got. */
  readonly calls: string[] = [];
  private readonly underWay = new Set<Promise<unknown>>();
  private readonly maxCalls: number;

  constructor(maxCalls = Infinity) {
    this.maxCalls = maxCalls;
  }

  get isDead(): boolean {
    return this.calls.length >= this.maxCalls;
  }

  async pass<T>(name: string, call: () => Promise<T>): Promise<T> {
    if (this.isDead) throw new Error("The process has ended.");
    this.calls.push(name);
    const outcome = call();
    this.underWay.add(outcome);
    try {
      return await outcome;
    } finally {
      this.underWay.delete(outcome);
    }
  }

  /** Waits for the calls that came through. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.underWay);
  }
}

/**
 * A saver, and LangGraph's in-memory saver beside it: both get each call at the same moment, with the
 * same arguments, and what they return is compared.
 */
export class LockstepSaver extends BaseCheckpointSaver {
  /** What the saver returned otherwise than LangGraph's. */
  readonly differences: string[] = [];
  private readonly saver: BaseCheckpointSaver;
  readonly memory: MemorySaver;
  private readonly lifeline: Lifeline;

  constructor(
    saver: BaseCheckpointSaver,
    memory: MemorySaver,
    lifeline: Lifeline = new Lifeline(),
  ) {
    super();
    this.saver = saver;
    this.memory = memory;
    this.lifeline = lifeline;
  }

  override getNextVersion(current: number | undefined): number {
    return this.saver.getNextVersion(current);
  }

  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    return this.call(
      describe("getTuple", config),
      (saver) => saver.getTuple(config),
      (tuple) => tuple && normalizeTuple(tuple),
    );
  }

  override async *list(
    config: RunnableConfig,
    options?: CheckpointListOptions,
  ): AsyncGenerator<CheckpointTuple> {
    yield* await this.call(
      describe("list", config),
      (saver) => Array.fromAsync(saver.list(config, options)),
      normalizeList,
    );
  }

  override async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    return this.call(
      `${describe("put", config)} ${checkpoint.id}`,
      (saver) => saver.put(config, checkpoint, metadata, newVersions),
      ({ configurable }) => configurable,
    );
  }

  override async putWrites(
    config: RunnableConfig,
    writes: PendingWrite[],
    taskId: string,
    // Older versions of LangGraph pass none.
    ...taskPath: [string?]
  ): Promise<void> {
    const channels = writes.map(([channel]) => channel).join(", ");
    await this.call(
      `${describe("putWrites", config)} ${taskId} (${taskPath.join("")}): ${channels}`,
      (saver) => saver.putWrites(config, writes, taskId, ...taskPath),
      () => undefined,
    );
  }

  override async deleteThread(threadId: string): Promise<void> {
    await this.call(
      `deleteThread ${threadId}`,
      (saver) => saver.deleteThread(threadId),
      () => undefined,
    );
  }

  override async getDeltaChannelHistory(options: {
    config: RunnableConfig;
    channels: string[];
  }): Promise<Record<string, DeltaChannelHistory>> {
    return this.call(
      `${describe("getDeltaChannelHistory", options.config)}: ${options.channels.join(", ")}`,
      (saver) => saver.getDeltaChannelHistory(options),
      (history) => history,
    );
  }

  private async call<T>(
    name: string,
    make: (saver: BaseCheckpointSaver) => Promise<T>,
    normalize: (result: T) => unknown,
  ): Promise<T> {
    return this.lifeline.pass(name, async () => {
      const [actual, expected] = await Promise.allSettled([make(this.saver), make(this.memory)]);
      const bothFail = actual.status === "rejected" && expected.status === "rejected";
      // The wording of errors is each saver's own.
      const difference = bothFail
        ? undefined
        : findDifference(toResult(actual, normalize), toResult(expected, normalize));
      if (difference !== undefined) this.differences.push(`${name}\n${difference}`);
      if (actual.status === "rejected") throw actual.reason;
      return actual.value;
    });
  }
}

function toResult<T>(outcome: PromiseSettledResult<T>, normalize: (result: T) => unknown): unknown {
  return outcome.status === "rejected" ? String(outcome.reason) : normalize(outcome.value);
}

function describe(method: string, { configurable }: RunnableConfig): string {
  const { checkpoint_ns: namespace, checkpoint_id: id } = configurable ?? {};
  return `${method} "${String(namespace ?? "")}" ${String(id ?? "latest")}`;
}

/** A copy of what an in-memory saver holds. */
export function copyMemory(from: MemorySaver, to: MemorySaver): MemorySaver {
  for (const [threadId, namespaces] of Object.entries(from.storage)) {
    const copied = Object.entries(namespaces).map(([name, checkpoints]) => [
      name,
      { ...checkpoints },
    ]);
    to.storage[threadId] = Object.fromEntries(copied) as typeof namespaces;
  }
  for (const [key, writes] of Object.entries(from.writes)) to.writes[key] = { ...writes };
  return to;
}
