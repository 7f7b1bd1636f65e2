import type { NamespaceAddress } from "../address/address.ts";
import type { CheckpointDocument } from "../documents/documents.ts";
import type { Collections } from "./collections.ts";

/**
 * The checkpoint of a namespace that stands last in the order, whether marked as such or not.
 *
 * @param epoch only of this life of the thread; by default of any
 */
export async function findLastInOrder(
  { checkpoints }: Pick<Collections, "checkpoints">,
  { threadId, checkpointNs }: NamespaceAddress,
  epoch?: number,
): Promise<CheckpointDocument | undefined> {
  const document = await checkpoints.findOne(
    {
      thread_id: threadId,
      kind: "checkpoint",
      checkpoint_ns: checkpointNs,
      // The first life has no number.
      ...(epoch !== undefined && { epoch: (epoch === 0 ? null : epoch) as number }),
    },
    { sort: { seq: -1 } },
  );
  return document ?? undefined;
}
