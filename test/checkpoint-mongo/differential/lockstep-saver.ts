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

/** LangGraph's in-memory saver, as what another one is compared with. */
export class Shadow {
  readonly memory: MemorySaver;
  /** Channels whose reducer changes what the channel holds in place. */
  private readonly shifting: ReadonlySet<string>;
  /** Checkpoints and such channels of theirs that are as in the parent. */
  private readonly unchanged = new Set<string>();

  constructor(memory: MemorySaver, shifting: ReadonlySet<string>) {
    this.memory = memory;
    this.shifting = shifting;
  }

  /**
   * LangGraph puts a checkpoint once the one before it is stored. A reducer that changes what a
   * channel holds may have run for a later step by then, and the in-memory saver takes that for the
   * channel's value, though `newVersions` says that it has none since the parent's.
   */
  noteUnchanged({ id }: Checkpoint, newVersions: ChannelVersions): void {
    for (const channel of this.shifting) {
      if (!Object.hasOwn(newVersions, channel)) this.unchanged.add(`${id} ${channel}`);
    }
  }

  /** A checkpoint as two savers must return it. */
  normalize(tuple: CheckpointTuple): CheckpointTuple {
    const { checkpoint } = tuple;
    const values = Object.entries(checkpoint.channel_values).map(([channel, value]) => [
      channel,
      this.unchanged.has(`${checkpoint.id} ${channel}`) ? "(as in the parent)" : value,
    ]);
    const channel_values = Object.fromEntries(values) as Record<string, unknown>;
    return { ...tuple, checkpoint: { ...checkpoint, channel_values } };
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
  private readonly shadow: Shadow;
  private readonly lifeline: Lifeline;

  constructor(saver: BaseCheckpointSaver, shadow: Shadow, lifeline: Lifeline = new Lifeline()) {
    super();
    this.saver = saver;
    this.shadow = shadow;
    this.lifeline = lifeline;
  }

  override getNextVersion(current: number | undefined): number {
    return this.saver.getNextVersion(current);
  }

  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    return this.call(
      describe("getTuple", config),
      (saver) => saver.getTuple(config),
      (tuple) => tuple && normalizeTuple(this.shadow.normalize(tuple)),
    );
  }

  override async *list(
    config: RunnableConfig,
    options?: CheckpointListOptions,
  ): AsyncGenerator<CheckpointTuple> {
    yield* await this.call(
      describe("list", config),
      (saver) => Array.fromAsync(saver.list(config, options)),
      (tuples) => normalizeList(tuples.map((tuple) => this.shadow.normalize(tuple))),
    );
  }

  override async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    this.shadow.noteUnchanged(checkpoint, newVersions);
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
      const [actual, expected] = await Promise.allSettled([
        make(this.saver),
        make(this.shadow.memory),
      ]);
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
