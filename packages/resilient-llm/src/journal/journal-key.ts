import type { JournalKey } from "./call-journal.ts";
import type { CallAddress } from "./call-address.ts";
import { hashParts } from "./entry-hash.ts";

/** The key of a call's entry. */
export function createJournalKey(
  { checkpointId, namespace, taskId, threadId }: CallAddress,
  ordinal: number,
  requestHash: string,
): JournalKey {
  const parts = [threadId, namespace, checkpointId, taskId, String(ordinal), requestHash];
  const id = hashParts("key", ...parts);
  return { id, threadId, namespace, checkpointId, taskId, ordinal, requestHash };
}
