import type { CheckpointDocument, WriteSetDocument } from "../documents/index.ts";
import type { Collections } from "./collections.ts";
import type { ServerFeatures } from "./server-features.ts";

/**
 * Finds the pending writes of several checkpoints.
 *
 * @param channels only sets that hold a write to one of these; by default all
 */
export async function findWrites(
  collections: Collections,
  features: ServerFeatures,
  checkpoints: readonly Pick<CheckpointDocument, "_id" | "thread_id">[],
  channels?: readonly string[],
): Promise<WriteSetDocument[]> {
  if (checkpoints.length === 0) return [];
  return collections.writes
    .find({
      checkpoint: { $in: checkpoints.map(({ _id }) => _id) },
      ...(channels !== undefined && { "writes.channel": { $in: [...channels] } }),
      // Names the shards to ask. Elsewhere it would only lead planners to the wrong index.
      ...(features.sharded && {
        thread_id: { $in: [...new Set(checkpoints.map(({ thread_id }) => thread_id))] },
      }),
    })
    .toArray();
}
