import type { RunnableConfig } from "@langchain/core/runnables";
import {
  BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointPendingWrite,
  type CheckpointTuple,
  type PendingWrite,
  WRITES_IDX_MAP,
} from "@langchain/langgraph-checkpoint";

interface Slot {
  readonly tuple: CheckpointTuple;
  /** By task and place. */
  readonly writes: Map<string, CheckpointPendingWrite>;
}

function readNames(config: RunnableConfig | undefined): {
  readonly ns: string;
  readonly id?: string;
} {
  const { checkpoint_id: id, checkpoint_ns: ns } = config?.configurable ?? {};
  return { ns: typeof ns === "string" ? ns : "", ...(typeof id === "string" ? { id } : {}) };
}

/**
 * The thread as it was when a step began: the checkpoint of the step is the latest. What is written goes nowhere else.
 * Values are kept as they are, without a serializer that could change them.
 */
export class ScratchSaver extends BaseCheckpointSaver {
  private readonly source: BaseCheckpointSaver;
  /** By namespace, in the order of writing. */
  private readonly slots = new Map<string, Slot[]>();

  /**
   * @param source where the checkpoints before are read from
   * @param writes what is known of the step's tasks: the answers to their interrupts
   */
  constructor(
    source: BaseCheckpointSaver,
    base: CheckpointTuple,
    writes: readonly CheckpointPendingWrite[],
  ) {
    super(source.serde);
    this.source = source;
    const known = writes.map((write, index) => [String(index), write] as const);
    this.slots.set("", [{ tuple: base, writes: new Map(known) }]);
  }

  override getNextVersion(current: number | undefined): number {
    return this.source.getNextVersion(current);
  }

  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const { id, ns } = readNames(config);
    const slots = this.slots.get(ns) ?? [];
    const slot =
      id === undefined ? slots.at(-1) : slots.find(({ tuple }) => tuple.checkpoint.id === id);
    // Channels that are stored as differences are made of checkpoints further back.
    if (!slot) return id === undefined ? undefined : await this.source.getTuple(config);
    return { ...slot.tuple, pendingWrites: [...slot.writes.values()] };
  }

  override async *list(
    config: RunnableConfig,
    { limit = Infinity }: CheckpointListOptions = {},
  ): AsyncGenerator<CheckpointTuple> {
    const slots = (this.slots.get(readNames(config).ns) ?? []).toReversed();
    for (const { tuple, writes } of slots.slice(0, limit)) {
      yield { ...tuple, pendingWrites: [...writes.values()] };
    }
  }

  override async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    _newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    const { id, ns } = readNames(config);
    const place = { thread_id: config.configurable?.["thread_id"] as string, checkpoint_ns: ns };
    const own = { configurable: { ...place, checkpoint_id: checkpoint.id } };
    const parent =
      id === undefined ? {} : { parentConfig: { configurable: { ...place, checkpoint_id: id } } };
    const slot: Slot = {
      tuple: { config: own, checkpoint, metadata, ...parent },
      writes: new Map(),
    };
    const slots = (this.slots.get(ns) ?? []).filter(
      ({ tuple }) => tuple.checkpoint.id !== checkpoint.id,
    );
    this.slots.set(ns, [...slots, slot]);
    return own;
  }

  override async putWrites(
    config: RunnableConfig,
    writes: PendingWrite[],
    taskId: string,
  ): Promise<void> {
    const { id, ns } = readNames(config);
    const slot = this.slots.get(ns)?.find(({ tuple }) => tuple.checkpoint.id === id);
    for (const [index, [channel, value]] of writes.entries()) {
      const special = WRITES_IDX_MAP[channel];
      const place = `${taskId}:${special ?? index}`;
      // Ordinary writes are there once, special ones as they were written last.
      if (special === undefined && slot?.writes.has(place)) continue;
      slot?.writes.set(place, [taskId, channel, value]);
    }
  }

  override async deleteThread(): Promise<void> {
    this.slots.clear();
  }
}
