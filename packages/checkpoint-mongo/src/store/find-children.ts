import type { NamespaceAddress } from "../address/address.ts";
import type { CheckpointDocument } from "../documents/documents.ts";
import type { Store } from "./store.ts";

/** The children of checkpoints of a namespace, also those that rollbacks have discarded: they may come back. */
export function findChildren(
  { checkpoints }: Pick<Store, "checkpoints">,
  { threadId, checkpointNs }: NamespaceAddress,
  parentIds: readonly string[],
): Promise<CheckpointDocument[]> {
  return checkpoints
    .find({
      thread_id: threadId,
      kind: { $in: ["checkpoint", "discarded"] as "checkpoint"[] },
      checkpoint_ns: checkpointNs,
      parent_checkpoint_id: { $in: [...parentIds] },
    })
    .toArray();
}
