import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";

/** LangGraph files writes that belong to no task under this id. */
const NO_TASK = "00000000-0000-0000-0000-000000000000";

/**
 * Ids of the tasks that have finished and whose results are stored, in the superstep that follows a
 * checkpoint.
 */
export function storedTasks({ pendingWrites = [] }: CheckpointTuple): string[] {
  const results = pendingWrites.filter(
    ([taskId, channel]) => taskId !== NO_TASK && channel !== "__error__",
  );
  return [...new Set(results.map(([taskId]) => taskId))];
}
