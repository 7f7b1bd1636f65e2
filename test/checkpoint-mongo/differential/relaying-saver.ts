import type { RunnableConfig } from "@langchain/core/runnables";
import {
  BaseCheckpointSaver,
  MemorySaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointTuple,
  type DeltaChannelHistory,
  type PendingWrite,
} from "@langchain/langgraph-checkpoint";
import { ORDERS_WRITES } from "./langgraph-version.ts";

/** A call of a saver's method, which can be made on any saver. */
export interface SaverCall<T> {
  /** The method and what it is for. */
  readonly name: string;
  readonly make: (saver: BaseCheckpointSaver) => Promise<T>;
  /** The checkpoints in what it returns. */
  readonly tuples?: (result: T) => readonly CheckpointTuple[];
}

/** A saver that leaves to `relay` what becomes of each call. */
export abstract class RelayingSaver extends BaseCheckpointSaver {
  protected abstract relay<T>(call: SaverCall<T>): Promise<T>;

  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    return this.relay({
      name: describe("getTuple", config),
      make: (saver) => saver.getTuple(config),
      tuples: (tuple) => (tuple === undefined ? [] : [tuple]),
    });
  }

  override async *list(
    config: RunnableConfig,
    options?: CheckpointListOptions,
  ): AsyncGenerator<CheckpointTuple> {
    yield* await this.relay({
      name: describe("list", config),
      make: (saver) => Array.fromAsync(saver.list(config, options)),
      tuples: (tuples) => tuples,
    });
  }

  override async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    return this.relay({
      name: `${describe("put", config)} ${checkpoint.id}`,
      make: (saver) => saver.put(config, checkpoint, metadata, newVersions),
    });
  }

  override async putWrites(
    config: RunnableConfig,
    writes: PendingWrite[],
    taskId: string,
    // Older versions of LangGraph pass none.
    ...taskPath: [string?]
  ): Promise<void> {
    const channels = writes.map(([channel]) => channel).join(", ");
    return this.relay({
      name: `${describe("putWrites", config)} ${taskId} (${taskPath.join("")}): ${channels}`,
      make: (saver) => saver.putWrites(config, writes, taskId, ...taskPath),
    });
  }

  override async deleteThread(threadId: string): Promise<void> {
    return this.relay({
      name: `deleteThread ${threadId}`,
      make: (saver) => saver.deleteThread(threadId),
    });
  }

  override async getDeltaChannelHistory(options: {
    config: RunnableConfig;
    channels: string[];
  }): Promise<Record<string, DeltaChannelHistory>> {
    const channels = options.channels.join(", ");
    return this.relay({
      name: `${describe("getDeltaChannelHistory", options.config)}: ${channels}`,
      make: (saver) => readDeltaHistory(saver, options),
    });
  }
}

/** LangGraph's in-memory saver looked for the latest checkpoint only from 1.7 on. */
function readDeltaHistory(
  saver: BaseCheckpointSaver,
  options: { config: RunnableConfig; channels: string[] },
): Promise<Record<string, DeltaChannelHistory>> {
  return saver instanceof MemorySaver && !ORDERS_WRITES
    ? BaseCheckpointSaver.prototype.getDeltaChannelHistory.call(saver, options)
    : saver.getDeltaChannelHistory(options);
}

function describe(method: string, { configurable }: RunnableConfig): string {
  const { checkpoint_ns: namespace, checkpoint_id: id } = configurable ?? {};
  return `${method} "${String(namespace ?? "")}" ${String(id ?? "latest")}`;
}
