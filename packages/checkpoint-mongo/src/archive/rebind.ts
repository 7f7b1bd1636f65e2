import type { CheckpointAddress } from "../address/address.ts";
import { readAddress } from "../address/read-address.ts";
import { unpack } from "../codec/bytes/compression.ts";
import { MAX_TEXT_BYTES } from "../codec/checkpoints/checkpoint-text.ts";
import type { SaverContext } from "../context/context.ts";
import type {
  CheckpointDocument,
  DiscardedDocument,
  SegmentDocument,
  ThreadPart,
  WriteSetDocument,
} from "../documents/documents.ts";
import type { CheckpointOrigin } from "../documents/checkpoint-origin.ts";
import { bytesToHex, isBinary, toBytes } from "../driver/binary.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { asWrongField } from "../errors/corruption.ts";
import { hashAddress, hashSegmentPlace, hashWritesPlace } from "../integrity/hashes.ts";
import { loadContents } from "../read/contents.ts";
import { listWantedOfWrites, readWriteSet } from "../read/read-writes.ts";
import { readRecord, toTyped, type CheckpointRecord } from "../records/checkpoint-record.ts";
import { sealOrigin } from "../records/origin-filter.ts";
import { isToken } from "../records/search-tokens.ts";
import { parseCheckpoint } from "../records/parse-checkpoint.ts";
import { findSegmentFault } from "../store/check-segment.ts";
import { toMark } from "../store/mark-sets.ts";
import type { MetadataFields } from "./sealed-metadata.ts";
import { readPruneMarks } from "../upkeep/pruned-parents.ts";

// Hashes and ids are of a thread, and of one of its lives. Here documents are verified as those of the thread
// that they come from, and made those of another, or of another life. Contents are not touched.

/** The thread, and the life of it, that documents are made those of. */
export interface NewPlace {
  readonly threadId: string;
  readonly life: number;
  readonly expiresAt: Date | undefined;
  /** Whether what searches go by was made with keys of another collection. */
  readonly isFromElsewhere?: boolean;
}

/** A checkpoint whose parent may be rebound before it. */
export interface RebindCheckpointOptions {
  /** The new hash of its parent; undefined if the parent does not come along. */
  readonly parentHash: Uint8Array | undefined;
  /** Whether it says from now on that its parent is gone. One that says so already goes on saying it. */
  readonly isCut?: boolean;
  /** Its place in the order. */
  readonly seq: number;
  /** Whether it is the latest of its namespace. */
  readonly isLatest: boolean;
  /** Its metadata as it is stored from now on; undefined if that stays as it is. */
  readonly metadata?: MetadataFields | undefined;
}

/**
 * Verifies a checkpoint, and makes it one of another place.
 *
 * @throws CorruptCheckpointError if it is not as it was written
 * @throws IntegrityKeyError if the key that it was hashed with is not there
 */
export function rebindCheckpoint(
  { hasher, store }: Pick<SaverContext, "hasher" | "store">,
  document: CheckpointDocument,
  place: NewPlace,
  options: RebindCheckpointOptions,
): CheckpointDocument {
  const { parentHash: newParentHash, isCut: isCutNow = false, seq, isLatest } = options;
  const { metadata, metadata_encoded, tokens } = options.metadata ?? document;
  const record = readRecord(document, hasher);
  const parsed = parseCheckpoint(document);
  const { threadId, life } = place;
  const address = { ...record.address, threadId };
  const { keyName } = hasher;
  const marks = readPruneMarks(document, record, hasher);
  const isCut = newParentHash === undefined && (marks.isCut || isCutNow);
  const { prunedThrough: through } = marks;
  const origin = sealConfig(record.origin, store, place);
  // The hash of a parent that was pruned stands for itself.
  const parentHash = newParentHash ?? (isCut ? record.parentHash : undefined);
  const typed = toTyped(parsed);
  const hash = hasher.hashCheckpoint({
    keyName,
    address,
    epoch: life,
    parentCheckpointId: record.parentCheckpointId,
    parentHash,
    order: seq,
    body: unpack(parsed.body, MAX_TEXT_BYTES),
    segments: parsed.segments,
    metadataType: typed.type,
    metadata: typed.bytes,
    origin,
  });
  const { checkpoint_ns, checkpoint_id, parent_checkpoint_id, body, segments } = document;
  return {
    _id: hashAddress(address),
    thread_id: threadId,
    kind: "checkpoint",
    ...toThreadPart(place),
    checkpoint_ns,
    checkpoint_id,
    ...(parent_checkpoint_id !== undefined && { parent_checkpoint_id }),
    seq,
    ...(isLatest && { head: true }),
    ...(isLatest && document.stands !== undefined && { stands: document.stands }),
    ...(!isLatest && document.next !== undefined && { next: document.next }),
    ...(document.sets !== undefined && { sets: document.sets }),
    body,
    segments,
    ...(metadata !== undefined && { metadata }),
    ...(metadata_encoded !== undefined && { metadata_encoded }),
    ...(tokens !== undefined && { tokens }),
    ...(origin.runId !== undefined && { run_id: origin.runId }),
    ...(origin.config.length > 0 && { config: origin.config }),
    ...(document.labels !== undefined && { labels: document.labels }),
    ...(document.labelled !== undefined && { labelled: document.labelled }),
    ...(parentHash !== undefined && { parent_hash: parentHash }),
    ...(isCut && { cut: hasher.hashCut({ address, epoch: life, keyName, hash }) }),
    ...(through !== undefined && {
      pruned: {
        through,
        proof: hasher.hashPruned({ address, epoch: life, keyName, seq, through }),
      },
    }),
    ...(keyName !== undefined && { key_name: keyName }),
    hash,
    ...(document.upserted_at !== undefined && { upserted_at: document.upserted_at }),
  };
}

/** Makes a checkpoint that a rollback has discarded one of another place; see {@link rebindCheckpoint}. */
export function rebindDiscarded(
  context: Pick<SaverContext, "hasher" | "store">,
  document: DiscardedDocument,
  place: NewPlace,
  options: Omit<RebindCheckpointOptions, "isLatest">,
): DiscardedDocument {
  const { rollback, was_head, was_labelled, ...rest } = document;
  const checkpoint: CheckpointDocument = { ...rest, kind: "checkpoint" };
  return {
    ...rebindCheckpoint(context, checkpoint, place, { ...options, isLatest: false }),
    kind: "discarded",
    rollback,
    ...(was_head !== undefined && { was_head }),
    ...(was_labelled !== undefined && { was_labelled }),
  };
}

/** Whether a checkpoint says that its parent was pruned. */
export function isCutOff(
  { hasher }: Pick<SaverContext, "hasher">,
  document: Pick<CheckpointDocument, "cut" | "key_name">,
  record: CheckpointRecord,
): boolean {
  return readPruneMarks(document, record, hasher).isCut;
}

/** Makes a checkpoint say that its parent was pruned. */
export function cutOff<Part extends { readonly document: Pick<CheckpointDocument, "key_name"> }>(
  { hasher }: Pick<SaverContext, "hasher">,
  part: Part,
  { address, epoch, hash }: CheckpointRecord,
): Part {
  const { document } = part;
  const cut = hasher.hashCut({ address, epoch, keyName: document.key_name, hash });
  return { ...part, document: { ...document, cut } };
}

/**
 * Verifies a set of pending writes, and makes it one of another place. Values that are too large for the set are
 * read from the new thread's segments.
 *
 * @throws CorruptCheckpointError if it is not as it was written
 * @throws IntegrityKeyError if the key that it was hashed with is not there
 */
export async function rebindWriteSet(
  context: SaverContext,
  document: WriteSetDocument,
  place: NewPlace,
): Promise<WriteSetDocument> {
  const { hasher } = context;
  const { threadId, life } = place;
  const moved = { ...document, thread_id: threadId };
  const contents = await loadContents(context, listWantedOfWrites([moved]));
  const hashed = await readWriteSet(document, contents, context);
  const address: CheckpointAddress = { ...readAddress(document), threadId };
  const { checkpoint_ns, checkpoint_id, task_id: taskId, task_path: taskPath, idx } = document;
  const { writes, called_at, upserted_at } = document;
  const { keyName } = hasher;
  const hash = await hasher.hashWriteSet({
    keyName,
    address,
    epoch: life,
    taskId,
    taskPath: taskPath ?? "",
    place: idx,
    writes: hashed,
  });
  return {
    _id: hashWritesPlace(address, taskId, idx),
    thread_id: threadId,
    kind: "writes",
    ...toThreadPart(place),
    checkpoint_ns,
    checkpoint_id,
    checkpoint: hashAddress(address),
    task_id: taskId,
    ...(taskPath !== undefined && { task_path: taskPath }),
    idx,
    writes,
    ...(keyName !== undefined && { key_name: keyName }),
    hash,
    ...(called_at !== undefined && { called_at }),
    ...(upserted_at !== undefined && { upserted_at }),
  };
}

/** The name of a set of pending writes in its checkpoint's list, here and in its new place. */
export function renameMark(
  document: WriteSetDocument,
  rebound: WriteSetDocument,
): readonly [string, Uint8Array] {
  return [bytesToHex(toMark(toBytes(document._id))), toMark(toBytes(rebound._id))];
}

/**
 * Makes a part of a segment one of another place. Its content is verified by those who read it.
 *
 * @throws CorruptCheckpointError if it does not lie in its own place
 */
export function rebindSegment(document: SegmentDocument, place: NewPlace): SegmentDocument {
  const { segment, part, appends, data, more } = document;
  // Only the first part may be at place 0, so each is checked as if those before it were there.
  const fault = part === 0 ? findSegmentFault([document]) : undefined;
  if (fault !== undefined || !isBinary(segment)) {
    const which = isBinary(segment) ? bytesToHex(segment) : "without a name";
    throw new CorruptCheckpointError(
      { threadId: document.thread_id },
      {
        document: "segment",
        which,
        ...asWrongField(fault ?? { field: "segment", expected: "bytes", found: "something else" }),
      },
    );
  }
  return {
    _id: hashSegmentPlace(place.threadId, bytesToHex(segment), part),
    thread_id: place.threadId,
    kind: "segment",
    ...toThreadPart(place),
    segment,
    part,
    appends,
    data,
    ...(more !== undefined && { more }),
  };
}

/** What is kept of a config, as this saver stores it. What another one has encrypted cannot be turned back. */
function sealConfig(
  origin: CheckpointOrigin,
  { encryption }: SaverContext["store"],
  { isFromElsewhere = false }: NewPlace,
): CheckpointOrigin {
  const sealed = origin.config.filter(isToken);
  const clear = { ...origin, config: origin.config.filter((field) => !isToken(field)) };
  const { config } = sealOrigin(clear, encryption);
  return { ...origin, config: [...(isFromElsewhere ? [] : sealed), ...config] };
}

function toThreadPart({ life, expiresAt }: NewPlace): Pick<ThreadPart, "epoch" | "expires_at"> {
  return {
    ...(life > 0 && { epoch: life }),
    ...(expiresAt !== undefined && { expires_at: expiresAt }),
  };
}
