import type { RunnableConfig } from "@langchain/core/runnables";
import type { StateSnapshot } from "@langchain/langgraph";

/** What is read of a graph, whatever its state. */
interface ReadableGraph {
  getState(config: RunnableConfig, options?: { subgraphs?: boolean }): Promise<StateSnapshot>;
  getStateHistory(config: RunnableConfig): AsyncIterableIterator<StateSnapshot>;
}

/** A thread as its graph sees it: where it stands, also in subgraphs, and all that was before. */
export async function readGraph(
  graph: ReadableGraph,
  config: RunnableConfig,
): Promise<{ state: StateSnapshot; history: StateSnapshot[] }> {
  return {
    state: await graph.getState(config, { subgraphs: true }),
    history: await readHistory(graph, config),
  };
}

/** All states of a thread, newest first. */
export function readHistory(
  graph: ReadableGraph,
  config: RunnableConfig,
): Promise<StateSnapshot[]> {
  return Array.fromAsync(graph.getStateHistory(config));
}

/** What an action ends in: its value, or the message of its error. */
export async function outcomeOf(action: Promise<unknown>): Promise<unknown> {
  try {
    return { value: await action };
  } catch (error) {
    return { error: (error as Error).message };
  }
}
