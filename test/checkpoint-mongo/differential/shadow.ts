import {
  MemorySaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointTuple,
} from "@langchain/langgraph-checkpoint";

/** LangGraph's in-memory saver, as what another one is compared with. */
export class Shadow {
  readonly memory: MemorySaver = new MemorySaver();
  /** Channels in which a reducer may change in place what they hold. */
  private readonly shifting: readonly string[];
  /** Checkpoints and such channels of theirs that are as in the parent. */
  private readonly unchanged = new Set<string>();

  constructor(shifting: readonly string[]) {
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

  /** A checkpoint without what the in-memory saver has wrong. */
  withoutShifted(tuple: CheckpointTuple): CheckpointTuple {
    const { checkpoint } = tuple;
    const values = Object.entries(checkpoint.channel_values).map(([channel, value]) => [
      channel,
      this.unchanged.has(`${checkpoint.id} ${channel}`) ? "(as in the parent)" : value,
    ]);
    const channel_values = Object.fromEntries(values) as Record<string, unknown>;
    return { ...tuple, checkpoint: { ...checkpoint, channel_values } };
  }

  /** A copy of what the in-memory saver holds. */
  copyMemory(): MemorySaver {
    const copy = new MemorySaver();
    for (const [threadId, namespaces] of Object.entries(this.memory.storage)) {
      const copied = Object.entries(namespaces).map(([name, checkpoints]) => [
        name,
        { ...checkpoints },
      ]);
      copy.storage[threadId] = Object.fromEntries(copied) as typeof namespaces;
    }
    for (const [key, writes] of Object.entries(this.memory.writes))
      copy.writes[key] = { ...writes };
    return copy;
  }
}
