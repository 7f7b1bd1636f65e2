import { STORED_NAME } from "../documents/sealed-bytes.ts";
import type { SegmentDocument } from "../documents/documents.ts";
import { type StoredBytes, bytesToHex, isBinary, readSubtype } from "../driver/binary.ts";
import { hashSegmentPlace } from "../integrity/hashes.ts";
import {
  FieldFault,
  readOptionalDate,
  readPackedBytes,
  readPlainBytes,
  readText,
  readWhole,
  refuse,
  requireBytes,
  requireSame,
} from "./document-fields.ts";

/**
 * What makes a segment unusable, its parts given in order. Each must lie under the `_id` of its place,
 * and the places must be 0, 1, 2 and so on. The hash of the content shows whether one is missing at the
 * end.
 */
export function findSegmentFault(parts: readonly SegmentDocument[]): FieldFault | undefined {
  return tryCheck(() => {
    for (const [place, part] of parts.entries()) checkPart(part, place);
  });
}

/**
 * What is wrong with the rest of a segment's fields. Everything that was appended before can still be
 * read, so only a walk through the thread asks for this.
 */
export function findSegmentFlaw(parts: readonly SegmentDocument[]): FieldFault | undefined {
  return tryCheck(() => {
    for (const [place, part] of parts.entries()) {
      const more: unknown = part.more;
      const known = listAppended(more);
      if (more !== undefined && (!Array.isArray(more) || known.length < more.length || place > 0)) {
        refuse("more", "an array of bytes, in the first part only", more);
      }
      const appends: unknown = part.appends;
      if (appends !== known.length)
        refuse("appends", `${known.length}, as many as in more`, appends);
      if (part.epoch !== undefined) readWhole("epoch", part.epoch, 1);
      readOptionalDate("expires_at", part.expires_at);
      readOptionalDate("condemned_at", part.condemned_at);
    }
  });
}

/** What was appended to a segment, up to where damage has put something else in its place. */
export function listAppended(more: unknown): readonly StoredBytes[] {
  if (!Array.isArray(more)) return [];
  const end = more.findIndex((part) => !isBinary(part) || readSubtype(part) !== 0);
  return (end === -1 ? more : more.slice(0, end)) as StoredBytes[];
}

function checkPart(document: SegmentDocument, place: number): void {
  const threadId = readText("thread_id", document.thread_id);
  requireSame("kind", document.kind, "segment");
  readPlainBytes("segment", document.segment);
  const part: unknown = document.part;
  if (part !== place) refuse("part", String(place), part);
  const name = bytesToHex(document[STORED_NAME] ?? document.segment);
  requireBytes("_id", document._id, hashSegmentPlace(threadId, name, place));
  readPackedBytes("data", document.data);
}

function tryCheck(check: () => void): FieldFault | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof FieldFault) return error;
    throw error;
  }
}
