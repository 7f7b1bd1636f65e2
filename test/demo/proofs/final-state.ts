import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";

/** Values of the graph's newest checkpoint, by channel; empty where the thread has none. */
export function finalState(history: readonly CheckpointTuple[]): Record<string, unknown> {
  const own = history.filter(({ config }) => !config.configurable?.["checkpoint_ns"]);
  const newest = own.toSorted((a, b) => (b.metadata?.step ?? 0) - (a.metadata?.step ?? 0))[0];
  return newest?.checkpoint.channel_values ?? {};
}
