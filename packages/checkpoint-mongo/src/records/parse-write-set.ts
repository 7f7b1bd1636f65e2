import type { CheckpointAddress } from "../address/address.ts";
import type { SegmentReference, StoredWrite, WriteSetDocument } from "../documents/documents.ts";
import { hashAddress, hashWritesPlace } from "../integrity/hashes.ts";
import { isBinary } from "../driver/binary.ts";
import {
  readOptionalDate,
  readOptionalText,
  readPackedBytes,
  readPlainBytes,
  readText,
  readWhole,
  refuse,
  requireBytes,
  requireSame,
} from "../store/document-fields.ts";

/** The lowest place of a set: special channels are numbered below zero. */
const LOWEST_PLACE = -1_000;

/** Whether the value of a write lies in a segment. */
export function isReference(value: StoredWrite["value"]): value is SegmentReference {
  const { segment, length } = (value ?? {}) as Partial<Record<keyof SegmentReference, unknown>>;
  return isBinary(segment) && Number.isSafeInteger(length) && (length as number) >= 0;
}

/**
 * Checks that a set of pending writes is one of the checkpoint that is read, and that each of its
 * fields is as this package writes it. A set is found by its pointer alone, which is not hashed. So a
 * valid set of another checkpoint could be found.
 *
 * @param place names where it was found; by default the address that the set gives itself
 * @throws FieldFault if it is not
 */
export function checkWriteSet(document: WriteSetDocument, place?: CheckpointAddress): void {
  const address = {
    threadId: readText("thread_id", document.thread_id),
    checkpointNs: readText("checkpoint_ns", document.checkpoint_ns),
    checkpointId: readText("checkpoint_id", document.checkpoint_id),
  };
  requireSame("kind", document.kind, "writes");
  if (place !== undefined) {
    requireSame("thread_id", address.threadId, place.threadId);
    requireSame("checkpoint_ns", address.checkpointNs, place.checkpointNs);
    requireSame("checkpoint_id", address.checkpointId, place.checkpointId);
  }
  const taskId = readText("task_id", document.task_id);
  readOptionalText("task_path", document.task_path);
  const idx = readWhole("idx", document.idx, LOWEST_PLACE);
  requireBytes("checkpoint", document.checkpoint, hashAddress(address));
  // No two documents have the same `_id`, so this also says that there is one set in each place.
  requireBytes("_id", document._id, hashWritesPlace(address, taskId, idx));
  readOptionalText("key_name", document.key_name);
  readPlainBytes("hash", document.hash);
  if (document.epoch !== undefined) readWhole("epoch", document.epoch, 1);
  readOptionalDate("expires_at", document.expires_at);
  readOptionalDate("upserted_at", document.upserted_at);
  const writes: unknown = document.writes;
  if (!Array.isArray(writes)) return refuse("writes", "an array", writes);
  for (const [index, write] of writes.entries()) checkWrite(`writes.${index}`, write);
}

function checkWrite(field: string, write: unknown): void {
  if (typeof write !== "object" || write === null) return refuse(field, "an object", write);
  const { idx, channel, type, value } = write as Record<keyof StoredWrite, unknown>;
  readWhole(`${field}.idx`, idx, LOWEST_PLACE);
  readText(`${field}.channel`, channel);
  readOptionalText(`${field}.type`, type);
  if (isReference(value as StoredWrite["value"])) {
    readPlainBytes(`${field}.value.segment`, (value as { segment: unknown }).segment);
  } else {
    readPackedBytes(`${field}.value`, value);
  }
}
