import type { ThreadDocument } from "../documents/index.ts";
import { CorruptCheckpointError } from "../errors/index.ts";
import { FieldFault, readOptionalDate, readWhole, refuse, requireSame } from "./document-fields.ts";

/** A thread's record, each field as it should be. */
export interface ThreadRecord {
  readonly threadId: string;
  readonly epoch: number;
  readonly expiresAt: Date | undefined;
  readonly isExtending: boolean;
  readonly deletedAt: Date | undefined;
}

/**
 * Reads the record of a thread. What is written next, and what is removed, goes by it.
 *
 * @throws CorruptCheckpointError if a field is not as this package writes it
 */
export function readThreadRecord(document: ThreadDocument, threadId: string): ThreadRecord {
  try {
    requireSame("_id", document._id, threadId);
    requireSame("thread_id", document.thread_id, threadId);
    requireSame("kind", document.kind, "thread");
    const epoch = readWhole("epoch", document.epoch, 0);
    const extending: unknown = document.extending ?? undefined;
    if (extending !== undefined && extending !== true) {
      refuse("extending", "true or nothing", extending);
    }
    const deletedAt = readOptionalDate("deleted_at", document.deleted_at);
    // Each deletion counts up.
    if (deletedAt !== undefined && epoch === 0) {
      refuse("deleted_at", "nothing in a thread's first life", deletedAt);
    }
    return {
      threadId,
      epoch,
      expiresAt: readOptionalDate("expires_at", document.expires_at ?? undefined),
      isExtending: extending === true,
      deletedAt,
    };
  } catch (error) {
    if (!(error instanceof FieldFault)) throw error;
    const { field, expected, found } = error;
    throw new CorruptCheckpointError(
      { threadId },
      { document: "thread", which: "its record", field, expected, found },
      {
        cause: error,
        advice:
          "Nothing was stored. What the thread holds can still be read. To write to it again, put the " +
          "field right, or delete the thread.",
      },
    );
  }
}
