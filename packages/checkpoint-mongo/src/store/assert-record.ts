import type { PlaceInLine, ThreadDocument, ThreadPart } from "../documents/documents.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { asWrongField } from "../errors/corruption.ts";
import { hashLife } from "../integrity/hashes.ts";
import {
  FieldFault,
  readOptionalDate,
  readOptionalText,
  readWhole,
  refuse,
  requireBytes,
  requireSame,
} from "./document-fields.ts";
import { assertAway } from "./away-thread.ts";
import { assertEntry } from "./thread-entry.ts";

/**
 * Checks the record of a thread. It decides what is written next, and what is removed.
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
    readOptionalDate("refused_until", document.refused_until);
    readOptionalDate("copying", document.copying);
    // Each deletion counts the epoch up.
    if (deletedAt !== undefined && epoch === 0) {
      refuse("deleted_at", "nothing in a thread's first life", deletedAt);
    }
    if (epoch > 0) requireBytes("life", document.life, hashLife(threadId, epoch));
    else if (document.life !== undefined) refuse("life", "nothing", document.life);
    readOptionalDate("expires_at", document.expires_at ?? undefined);
    const former: unknown = document.former_expiries;
    if (former !== undefined && (!Array.isArray(former) || !former.every(isDateOrNull))) {
      refuse("former_expiries", "a list of dates", former);
    }
    assertHold(document);
    const newest: unknown = document.newest;
    if (newest !== undefined && (typeof newest !== "object" || newest === null)) {
      refuse("newest", "an object", newest);
    }
    readOptionalText("removal", document.removal ?? undefined);
    const retention: unknown = document.retention;
    const isSeconds = typeof retention === "number" && retention > 0;
    if (retention !== undefined && retention !== "pinned" && !isSeconds) {
      refuse("retention", 'seconds or "pinned"', retention);
    }
    assertEntry(document);
    assertAway(document);
  } catch (error) {
    throw toCorruption(error, threadId);
  }
}

function assertHold(document: ThreadDocument): void {
  if (document.holder !== undefined && document.holder !== null) {
    readWhole("holder", document.holder, 1);
  }
  readOptionalDate("held_until", document.held_until);
  const heldFor: unknown = document.held_for;
  if (heldFor !== undefined && heldFor !== "lease" && heldFor !== "turn") {
    refuse("held_for", '"lease" or "turn"', heldFor);
  }
  if (document.last_token !== undefined) readWhole("last_token", document.last_token, 1);
  const line: unknown = document.line;
  if (line !== undefined && (!Array.isArray(line) || !line.every(isPlaceInLine))) {
    refuse("line", "a list of those who wait", line);
  }
}

function isPlaceInLine(value: unknown): boolean {
  const { ticket, until } = (value ?? {}) as Partial<PlaceInLine>;
  return typeof ticket === "string" && until instanceof Date;
}

function isDateOrNull(value: unknown): boolean {
  return value === null || value instanceof Date;
}

/** Whether the record of a thread is as this package writes it. */
export function isSound(document: ThreadDocument, threadId: string): boolean {
  try {
    assertRecord(document, threadId);
    return true;
  } catch (error) {
    if (CorruptCheckpointError.isInstance(error)) return false;
    throw error;
  }
}

/**
 * Checks that a thread's record does not hide documents because it is damaged.
 *
 * @throws CorruptCheckpointError if the record is damaged
 */
export function assertHides(
  hidden: readonly Pick<ThreadPart, "epoch">[],
  record: ThreadDocument | undefined,
  threadId: string,
): void {
  if (hidden.length === 0 || record === undefined) return;
  assertRecord(record, threadId);
  // Whoever writes to a deleted thread takes that off first.
  if (record.deleted_at === undefined || record.copying !== undefined) return;
  if (!hidden.some(({ epoch = 0 }) => epoch === record.epoch)) return;
  const expected = "nothing, since there are documents of the life that comes after";
  throw toCorruption(new FieldFault("deleted_at", expected, record.deleted_at), threadId);
}

/** An error that is no fault of a field is passed on. */
function toCorruption(error: unknown, threadId: string): unknown {
  if (!(error instanceof FieldFault)) return error;
  return new CorruptCheckpointError(
    { threadId },
    { document: "thread", which: "its record", ...asWrongField(error) },
    {
      cause: error,
      advice:
        "Nothing was stored. To use the thread again, put the field right, or delete the thread.",
    },
  );
}
