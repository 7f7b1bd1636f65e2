import type { Checkpoint } from "@langchain/langgraph-checkpoint";

/** A checkpoint as callers hand it over: LangGraph's own savers take one without its maps. */
type GivenCheckpoint = Pick<Checkpoint, "v" | "id" | "ts"> & Partial<Checkpoint>;

/** Takes maps that are missing as empty, as LangGraph's `copyCheckpoint` does. */
export function completeCheckpoint(checkpoint: GivenCheckpoint): Checkpoint {
  // What is there stays where it stands: the order of the keys is part of what is hashed.
  return {
    ...checkpoint,
    channel_values: checkpoint.channel_values ?? {},
    channel_versions: checkpoint.channel_versions ?? {},
    versions_seen: checkpoint.versions_seen ?? {},
  };
}
