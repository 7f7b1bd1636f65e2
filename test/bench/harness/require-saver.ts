import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import type { Bench } from "./benchmark.ts";

/**
 * The saver of a case whose benchmark makes no sense without one.
 *
 * @throws Error if the case has none
 */
export function requireSaver({ open }: Bench): BaseCheckpointSaver {
  if (open.saver === undefined)
    throw new Error("This benchmark cannot run without a checkpointer.");
  return open.saver;
}
