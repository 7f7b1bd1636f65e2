import type { CheckpointAddress } from "../address/address.ts";
import type { CheckpointDocument } from "../documents/documents.ts";

/**
 * Finds a checkpoint by its address: just the fields of an index, since with a further condition some servers go
 * through all documents.
 */
export function matchCheckpoint({
  threadId,
  checkpointNs,
  checkpointId,
}: CheckpointAddress): Pick<
  CheckpointDocument,
  "thread_id" | "kind" | "checkpoint_id" | "checkpoint_ns"
> {
  return {
    thread_id: threadId,
    kind: "checkpoint",
    checkpoint_id: checkpointId,
    checkpoint_ns: checkpointNs,
  };
}
