import type { ThreadEncryption } from "../encryption/thread-encryption.ts";
import { splitSearchable } from "../records/search-tokens.ts";
import { encodeCheckpointText } from "../codec/checkpoints/checkpoint-text.ts";
import { pack } from "../codec/bytes/compression.ts";
import type { SaverContext } from "../context/context.ts";
import { hashAddress } from "../integrity/hashes.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";
import { toOriginFields } from "../documents/checkpoint-origin.ts";
import { toPackedBinary } from "../documents/packed-bytes.ts";
import type { CheckpointToStore } from "../store/save-checkpoint.ts";
import type { ThreadState } from "../store/thread-record.ts";
import { checkTextSize } from "./check-size.ts";
import type { CheckpointToPut, Draft } from "./draft.ts";
import type { WrittenMetadata } from "./snapshot.ts";

/** A checkpoint as it is stored, and as this process remembers it. */
export interface BuiltCheckpoint {
  readonly document: CheckpointToStore;
  readonly record: CheckpointRecord;
}

/** Of what is put, that which its document is made of. */
interface PlainCheckpoint extends Pick<CheckpointToPut, "address"> {
  readonly snapshot: Pick<CheckpointToPut["snapshot"], "header" | "headerText">;
}

/** Of a draft, that which its document is made of. */
interface PlainDraft extends Pick<
  Draft,
  "parentCheckpointId" | "parentHash" | "metadata" | "origin" | "sizes"
> {
  readonly state: Pick<Draft["state"], "manifest">;
}

/** The place of a checkpoint, and the key that it is hashed with. */
export interface CheckpointPlace {
  readonly thread: Omit<ThreadState, "threadId">;
  /** In the order of its namespace. */
  readonly seq: number;
  readonly keyName: string | undefined;
}

/**
 * Makes the document of a checkpoint.
 *
 * @throws CheckpointTooLargeError if its own text could not be read again
 */
export function buildCheckpoint(
  { store, settings, hasher }: SaverContext,
  { address, snapshot }: PlainCheckpoint,
  draft: PlainDraft,
  { thread, seq, keyName }: CheckpointPlace,
): BuiltCheckpoint {
  const { parentCheckpointId, parentHash, metadata, origin } = draft;
  const { text, segments } = encodeCheckpointText(snapshot.headerText, draft.state.manifest);
  const body = Buffer.from(text);
  checkTextSize(address, body.byteLength);
  const hash = hasher.hashCheckpoint({
    keyName,
    address,
    epoch: thread.epoch,
    parentCheckpointId,
    parentHash,
    order: seq,
    body,
    segments,
    metadataType: metadata.encoded.type,
    metadata: metadata.encoded.bytes,
    origin,
  });
  const document: CheckpointToStore = {
    _id: hashAddress(address),
    thread_id: address.threadId,
    kind: "checkpoint",
    checkpoint_ns: address.checkpointNs,
    checkpoint_id: address.checkpointId,
    ...(parentCheckpointId !== undefined && { parent_checkpoint_id: parentCheckpointId }),
    seq,
    body: toPackedBinary(pack(body), store.Binary),
    segments,
    ...(store.encryption === undefined
      ? toStoredMetadata(metadata)
      : toSealedMetadata(metadata, store.encryption)),
    ...toOriginFields(origin),
    ...(parentHash !== undefined && { parent_hash: parentHash }),
    ...(keyName !== undefined && { key_name: keyName }),
    hash,
    ...(settings.enableTimestamps && { upserted_at: new Date(store.estimateTime()) }),
  };
  const record: CheckpointRecord = {
    address,
    parentCheckpointId,
    seq,
    epoch: thread.epoch,
    expiresAt: thread.expiresAt,
    header: snapshot.header,
    manifest: draft.state.manifest,
    metadata: metadata.encoded,
    parentHash,
    hash,
    origin,
    sizes: draft.sizes,
  };
  return { document, record };
}

/** All of it is encrypted. Beside it lies what searches go by. */
function toSealedMetadata(
  { encoded: { type, bytes }, searchable }: WrittenMetadata,
  encryption: ThreadEncryption,
): Pick<CheckpointToStore, "metadata" | "metadata_encoded" | "tokens"> {
  if (type !== undefined) return { metadata_encoded: { type, data: bytes } };
  const { clear, tokens } = splitSearchable(searchable ?? {}, encryption);
  return {
    ...(clear !== undefined && { metadata: clear }),
    ...(tokens.length > 0 && { tokens }),
    metadata_encoded: Buffer.from(bytes).toString(),
  };
}

function toStoredMetadata({
  encoded: { type, bytes },
  searchable,
  isAll,
}: WrittenMetadata): Pick<CheckpointToStore, "metadata" | "metadata_encoded"> {
  if (type !== undefined) return { metadata_encoded: { type, data: bytes } };
  return {
    ...(searchable !== undefined && { metadata: searchable }),
    ...(!isAll && { metadata_encoded: Buffer.from(bytes).toString() }),
  };
}
