import type { Document } from "mongodb";
import type { CheckpointAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import type {
  CheckpointDocument,
  SegmentDocument,
  WriteSetDocument,
} from "../documents/documents.ts";
import { toBytes } from "../driver/binary.ts";
import { unpack } from "../codec/bytes/compression.ts";
import { MAX_TEXT_BYTES } from "../codec/checkpoints/checkpoint-text.ts";
import { toPackedBytes } from "../documents/packed-bytes.ts";
import {
  hashAddress,
  hashSegmentPlace,
  hashWritesPlace,
  type HashedWrite,
} from "../integrity/hashes.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";
import type { CopyLife } from "../store/copy-life.ts";

/** What makes documents those of the copy. */
export interface CopyPlace extends CopyLife {
  readonly expiresAt: Date | undefined;
}

/** What is copied as it is. The rest says where a document lies, or is hashed with that. */
const OF_PLACE = ["_id", "thread_id", "epoch", "expires_at"] as const;

/** Fields of a checkpoint that are made anew, or that belong to where it came from. */
const OF_CHECKPOINT = [
  "parent_hash",
  "cut",
  "pruned",
  "key_name",
  "hash",
  "stands",
  "sets",
  "moved_from",
] as const;

/** A checkpoint that is copied, and what its copy says. */
export interface CopiedCheckpoint {
  readonly document: CheckpointDocument;
  readonly record: CheckpointRecord;
  /** The hash of the copy of its parent; undefined if that is not there. */
  readonly parentHash: Uint8Array | undefined;
}

/** Makes the copy of a checkpoint, and its hash. */
export function copyCheckpoint(
  { store, hasher }: Pick<SaverContext, "store" | "hasher">,
  place: CopyPlace,
  { document, record, parentHash }: CopiedCheckpoint,
): { readonly copy: Document; readonly hash: Uint8Array } {
  const { keyName } = hasher;
  const address = moveAddress(record.address, place);
  const { parentCheckpointId, seq, metadata, origin } = record;
  const hash = hasher.hashCheckpoint({
    keyName,
    address,
    epoch: place.epoch,
    parentCheckpointId,
    parentHash,
    order: seq,
    body: unpack(toPackedBytes(document.body), MAX_TEXT_BYTES),
    segments: toBytes(document.segments),
    metadataType: metadata.type,
    metadata: metadata.bytes,
    origin,
  });
  const copy = {
    ...leaveOut(document, [...OF_PLACE, ...OF_CHECKPOINT]),
    ...toPlaceFields(hashAddress(address), place),
    ...(parentHash && { parent_hash: parentHash }),
    ...(keyName !== undefined && { key_name: keyName }),
    hash,
    ...(document.stands && {
      stands: { ...document.stands, at: new Date(store.estimateTime()) },
    }),
  };
  return { copy, hash };
}

/** Makes the copy of a set of pending writes. */
export async function copyWriteSet(
  { hasher }: Pick<SaverContext, "hasher">,
  place: CopyPlace,
  source: CheckpointAddress,
  document: WriteSetDocument,
  writes: readonly HashedWrite[],
): Promise<Document> {
  const { keyName } = hasher;
  const address = moveAddress(source, place);
  const { task_id: taskId, task_path: taskPath = "", idx } = document;
  const { epoch } = place;
  const set = { keyName, address, epoch, taskId, taskPath, place: idx, writes };
  return {
    ...leaveOut(document, [...OF_PLACE, "checkpoint", "key_name", "hash", "condemned_at"]),
    ...toPlaceFields(hashWritesPlace(address, taskId, idx), place),
    checkpoint: hashAddress(address),
    ...(keyName !== undefined && { key_name: keyName }),
    hash: await hasher.hashWriteSet(set),
  };
}

/** Makes the copy of a part of a segment. Its content is what names it, so it stays as it is. */
export function copySegment(place: CopyPlace, root: string, document: SegmentDocument): Document {
  return {
    ...leaveOut(document, [...OF_PLACE, "condemned_at"]),
    ...toPlaceFields(hashSegmentPlace(place.threadId, root, document.part), place),
  };
}

/** The same address in the copied thread. */
export function moveAddress(
  address: CheckpointAddress,
  { threadId }: Pick<CopyPlace, "threadId">,
): CheckpointAddress {
  return { ...address, threadId };
}

function toPlaceFields(id: Uint8Array, { threadId, epoch, expiresAt }: CopyPlace): Document {
  return {
    _id: id,
    thread_id: threadId,
    epoch,
    ...(expiresAt && { expires_at: expiresAt }),
  };
}

function leaveOut(document: object, fields: readonly string[]): Document {
  return Object.fromEntries(Object.entries(document).filter(([field]) => !fields.includes(field)));
}
