import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { WRITES_IDX_MAP } from "@langchain/langgraph-checkpoint";
import { isDeepStrictEqual } from "node:util";

/** How a migrated checkpoint is compared with its original. */
export interface CompareOptions {
  /** Whether writes may have been added since. */
  readonly mayHaveMore: boolean;
}

/**
 * Compares a checkpoint as both savers read it.
 *
 * @returns what differs, as a part of a sentence; undefined if nothing does
 */
export function findDifference(
  original: CheckpointTuple,
  migrated: CheckpointTuple | undefined,
  { mayHaveMore }: CompareOptions,
): string | undefined {
  const which = `checkpoint ${original.checkpoint.id}`;
  if (migrated === undefined) return `${which} is missing`;
  for (const part of ["checkpoint", "metadata"] as const) {
    if (!isDeepStrictEqual(original[part], migrated[part])) {
      return `the ${part === "checkpoint" ? "state" : part} of ${which} differs`;
    }
  }
  const parent = original.parentConfig?.configurable?.["checkpoint_id"] as unknown;
  if (parent !== (migrated.parentConfig?.configurable?.["checkpoint_id"] as unknown)) {
    return `the parent of ${which} differs`;
  }
  const writes = original.pendingWrites ?? [];
  const found = migrated.pendingWrites ?? [];
  const isSame = mayHaveMore
    ? writes.every(
        (write) =>
          Object.hasOwn(WRITES_IDX_MAP, write[1]) ||
          found.some((other) => isDeepStrictEqual(other, write)),
      )
    : isDeepStrictEqual(writes, found);
  return isSame ? undefined : `the pending writes of ${which} differ`;
}
