import * as checkpointPackage from "@langchain/langgraph-checkpoint";

/**
 * Whether LangGraph says in which order a saver returns pending writes. Where it does not (before 1.7),
 * a delta channel that several tasks write to has no one value, and a checkpoint may be put again as
 * child of itself.
 */
export const ORDERS_WRITES: boolean = "compareWritesSortKeys" in checkpointPackage;
