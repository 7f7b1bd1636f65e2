import type { CheckpointDocument } from "../documents/documents.ts";
import type { Store } from "./store.ts";

/** The checkpoints of a thread's root graph between two places in the order, both left out. */
export function findBetween(
  { checkpoints }: Pick<Store, "checkpoints">,
  threadId: string,
  { after, before }: { readonly after: number; readonly before: number },
): Promise<CheckpointDocument[]> {
  return checkpoints
    .find({
      thread_id: threadId,
      kind: "checkpoint",
      checkpoint_ns: "",
      seq: { $gt: after, $lt: before },
    })
    .sort({ seq: 1 })
    .toArray();
}
