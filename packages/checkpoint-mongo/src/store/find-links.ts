import type { OpenAddress } from "../address/address.ts";
import type { Store } from "./store.ts";

/** The id of a checkpoint, and the id that it gives for its parent. */
export interface CheckpointLink {
  readonly checkpointId: string;
  readonly parentCheckpointId: string | undefined;
}

/**
 * Reads the links between the checkpoints of a namespace, unverified, the last in the order first. It
 * begins at a checkpoint, or at the last one.
 */
export async function findLinks(
  { checkpoints }: Store,
  { threadId, checkpointNs, checkpointId }: OpenAddress,
  limit: number,
): Promise<readonly CheckpointLink[]> {
  const namespace = {
    thread_id: threadId,
    kind: "checkpoint",
    checkpoint_ns: checkpointNs,
  } as const;
  const first =
    checkpointId === undefined
      ? null
      : await checkpoints.findOne(
          { ...namespace, checkpoint_id: checkpointId },
          { projection: { seq: 1 } },
        );
  const place: unknown = first?.seq;
  const documents = await checkpoints
    .find({ ...namespace, ...(typeof place === "number" && { seq: { $lte: place } }) })
    .sort({ seq: -1 })
    .limit(limit)
    .project({ checkpoint_id: 1, parent_checkpoint_id: 1 })
    .toArray();
  return documents.flatMap(({ checkpoint_id: id, parent_checkpoint_id: parentId }) =>
    typeof id === "string"
      ? [
          {
            checkpointId: id,
            parentCheckpointId: typeof parentId === "string" ? parentId : undefined,
          },
        ]
      : [],
  );
}
