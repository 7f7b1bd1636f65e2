import { isPlainObject } from "../codec/values/plain-data.ts";
import type { CheckpointRecord } from "./checkpoint-record.ts";

/**
 * Which ancestors a checkpoint needs: none, its parent, those back to where each of some channels is stored,
 * or all.
 */
export type Needs = "none" | "parent" | "all" | ReadonlySet<string>;

/**
 * Which ancestors a checkpoint cannot be read without. A delta channel that it does not store is made of what was
 * written since it was stored: LangGraph counts the steps since then, and leaves out the channels that a checkpoint
 * stores. The tasks that one of format 1 to 3 sent lie among its parent's writes.
 *
 * @param metadata of the checkpoint, decoded
 */
export function listNeeds(
  { header, manifest: stored }: Pick<CheckpointRecord, "header" | "manifest">,
  metadata: unknown,
): Needs {
  if (header.v < 4) return "parent";
  if (!isPlainObject(metadata)) return "none";
  const counters = metadata["counters_since_delta_snapshot"];
  if (isPlainObject(counters)) {
    return new Set(Object.keys(counters).filter((channel) => !stored.has(channel)));
  }
  if (!Object.hasOwn(metadata, "delta_writes_versioned")) return "none";
  const hasSnapshot = Array.from(stored.values()).some(
    (channel) => "slices" in channel && channel.wrapper === "delta",
  );
  return hasSnapshot ? "none" : "all";
}
