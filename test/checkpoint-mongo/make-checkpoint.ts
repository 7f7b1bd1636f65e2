import type { RunnableConfig } from "@langchain/core/runnables";
import {
  uuid6,
  type BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointMetadata,
} from "@langchain/langgraph-checkpoint";

/** A checkpoint with these channels, each at version 1 unless another one is given. */
export function makeCheckpoint(
  values: Record<string, unknown> = {},
  { id = uuid6(-1), versions = {} }: { id?: string; versions?: ChannelVersions } = {},
): Checkpoint {
  const defaults = Object.fromEntries(Object.keys(values).map((channel) => [channel, 1]));
  return {
    v: 4,
    id,
    ts: "2026-01-01T00:00:00.000Z",
    channel_values: values,
    channel_versions: { ...defaults, ...versions },
    versions_seen: {},
  };
}

/** Metadata as LangGraph gives it, with further keys. */
export function makeMetadata(extra: Record<string, unknown> = {}): CheckpointMetadata {
  return { source: "loop", step: 0, parents: {}, ...extra };
}

/** The config of a thread, of one of its namespaces or of one checkpoint. */
export function threadConfig(
  threadId: string,
  { namespace = "", checkpointId }: { namespace?: string; checkpointId?: string } = {},
): RunnableConfig {
  return {
    configurable: {
      thread_id: threadId,
      checkpoint_ns: namespace,
      ...(checkpointId !== undefined && { checkpoint_id: checkpointId }),
    },
  };
}

/** Puts a checkpoint in which all channels are new; returns its config. */
export function putCheckpoint(
  saver: BaseCheckpointSaver,
  parent: RunnableConfig,
  checkpoint: Checkpoint,
  metadata: CheckpointMetadata = makeMetadata(),
): Promise<RunnableConfig> {
  return saver.put(parent, checkpoint, metadata, checkpoint.channel_versions);
}
