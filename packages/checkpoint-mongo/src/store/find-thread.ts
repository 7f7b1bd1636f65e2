import type { NamespaceAddress } from "../address/address.ts";
import type { CheckpointDocument } from "../documents/index.ts";
import type { Collections } from "./collections.ts";
import { matchRecord } from "./mend-record.ts";

/** Whether a thread is there: made, and neither deleted nor expired. */
export async function isThreadAlive(collections: Collections, threadId: string): Promise<boolean> {
  const document = await collections.threads.findOne(matchRecord(threadId));
  return (
    document !== null &&
    document.deleted_at === undefined &&
    (document.expires_at?.getTime() ?? Infinity) > Date.now()
  );
}

/** The checkpoint of a namespace that stands last in the order, whether marked as such or not. */
export async function findLastInOrder(
  collections: Collections,
  { threadId, checkpointNs }: NamespaceAddress,
): Promise<CheckpointDocument | undefined> {
  const document = await collections.checkpoints.findOne(
    { thread_id: threadId, kind: "checkpoint", checkpoint_ns: checkpointNs },
    { sort: { seq: -1 } },
  );
  return document ?? undefined;
}
