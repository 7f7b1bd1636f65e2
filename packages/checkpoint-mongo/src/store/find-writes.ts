import type { CheckpointDocument, WriteDocument } from "../documents/index.ts";
import type { Collections } from "./collections.ts";
import type { ServerFeatures } from "./server-features.ts";

/** Finds the pending writes of several checkpoints, of the given channels if any are given. */
export async function findWrites(
  collections: Collections,
  features: ServerFeatures,
  checkpoints: readonly Pick<CheckpointDocument, "_id" | "thread_id">[],
  channels?: readonly string[],
): Promise<WriteDocument[]> {
  if (checkpoints.length === 0) return [];
  return collections.writes
    .find({
      checkpoint: { $in: checkpoints.map(({ _id }) => _id) },
      ...(channels !== undefined && { channel: { $in: [...channels] } }),
      // Names the shards to ask. Elsewhere it would only lead planners to the wrong index.
      ...(features.sharded && {
        thread_id: { $in: [...new Set(checkpoints.map(({ thread_id }) => thread_id))] },
      }),
    })
    .toArray();
}

/** The order in which a checkpoint's writes are handed out: by task, then by position. */
export function compareWrites(a: WriteDocument, b: WriteDocument): number {
  if (a.task_id !== b.task_id) return a.task_id < b.task_id ? -1 : 1;
  return a.idx - b.idx;
}
