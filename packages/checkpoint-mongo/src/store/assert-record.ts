import type { ThreadDocument } from "../documents/index.ts";
import { CorruptCheckpointError } from "../errors/index.ts";
import { hashLife } from "../integrity/hashes.ts";
import {
  FieldFault,
  readOptionalDate,
  readWhole,
  refuse,
  requireBytes,
  requireSame,
} from "./document-fields.ts";

/**
 * Checks the record of a thread. What is written next, and what is removed, goes by it.
 *
 * @throws CorruptCheckpointError if a field is not as this package writes it
 */
export function assertRecord(document: ThreadDocument, threadId: string): void {
  try {
    requireSame("_id", document._id, threadId);
    requireSame("thread_id", document.thread_id, threadId);
    requireSame("kind", document.kind, "thread");
    const epoch = readWhole("epoch", document.epoch, 0);
    const extending: unknown = document.extending ?? undefined;
    if (extending !== true) readOptionalDate("extending", extending);
    const deletedAt = readOptionalDate("deleted_at", document.deleted_at);
    // Each deletion counts up.
    if (deletedAt !== undefined) readWhole("epoch", epoch, 1);
    if (epoch > 0) requireBytes("life", document.life, hashLife(threadId, epoch));
    else if (document.life !== undefined) refuse("life", "nothing", document.life);
    readOptionalDate("expires_at", document.expires_at ?? undefined);
    const newest: unknown = document.newest;
    if (newest !== undefined && (typeof newest !== "object" || newest === null)) {
      refuse("newest", "an object", newest);
    }
  } catch (error) {
    if (!(error instanceof FieldFault)) throw error;
    const { field, expected, found } = error;
    throw new CorruptCheckpointError(
      { threadId },
      { document: "thread", which: "its record", field, expected, found },
      {
        cause: error,
        advice:
          "Nothing was stored. To use the thread again, put the field right, or delete the thread.",
      },
    );
  }
}
