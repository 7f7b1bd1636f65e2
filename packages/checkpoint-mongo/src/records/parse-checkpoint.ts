import { Unopened } from "../documents/sealed-bytes.ts";
import type { CheckpointAddress } from "../address/address.ts";
import type { CheckpointOrigin } from "../documents/checkpoint-origin.ts";
import type { CheckpointDocument } from "../documents/documents.ts";
import type { PackedBytes } from "../documents/packed-bytes.ts";
import { hashAddress } from "../integrity/hashes.ts";
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

/** The fields of a checkpoint document, each as it should be. Nothing of it is verified by its hash yet. */
export interface ParsedCheckpoint {
  readonly address: CheckpointAddress;
  readonly parentCheckpointId: string | undefined;
  readonly seq: number;
  readonly epoch: number;
  readonly expiresAt: Date | undefined;
  readonly body: PackedBytes;
  readonly segments: Uint8Array;
  readonly metadata: object | undefined;
  readonly metadataEncoded:
    | string
    | { readonly type: string; readonly data: Uint8Array }
    | undefined;
  readonly parentHash: Uint8Array | undefined;
  /** The name of the key that it is hashed with. */
  readonly keyName: string | undefined;
  readonly hash: Uint8Array;
  readonly origin: CheckpointOrigin;
  /** Its former places in the order. */
  readonly movedFrom: readonly number[];
}

/**
 * Reads a checkpoint document. Its `_id` must be made of its address: pending writes are joined by it,
 * so with another one they would be missing.
 *
 * @throws FieldFault if a field is not as this package writes it
 */
export function parseCheckpoint(document: CheckpointDocument): ParsedCheckpoint {
  const address = {
    threadId: readText("thread_id", document.thread_id),
    checkpointNs: readText("checkpoint_ns", document.checkpoint_ns),
    checkpointId: readText("checkpoint_id", document.checkpoint_id),
  };
  requireSame("kind", document.kind, "checkpoint");
  requireBytes("_id", document._id, hashAddress(address));
  const head: unknown = document.head;
  if (head !== undefined && head !== true) refuse("head", "true or nothing", head);
  readOptionalDate("upserted_at", document.upserted_at);
  return {
    address,
    parentCheckpointId: readOptionalText("parent_checkpoint_id", document.parent_checkpoint_id),
    seq: readWhole("seq", document.seq, 1),
    epoch: document.epoch === undefined ? 0 : readWhole("epoch", document.epoch, 1),
    expiresAt: readOptionalDate("expires_at", document.expires_at),
    body: readPackedBytes("body", document.body),
    segments: readPlainBytes("segments", document.segments),
    metadata: readMetadata(document.metadata),
    metadataEncoded: readEncodedMetadata(document.metadata_encoded),
    parentHash:
      document.parent_hash === undefined
        ? undefined
        : readPlainBytes("parent_hash", document.parent_hash),
    keyName: readOptionalText("key_name", document.key_name),
    hash: readPlainBytes("hash", document.hash),
    origin: {
      runId: readOptionalText("run_id", document.run_id),
      config: readConfig(document.config),
    },
    movedFrom: readPlaces(document.moved_from),
  };
}

function readPlaces(places: unknown): readonly number[] {
  if (places === undefined) return [];
  if (!Array.isArray(places)) return refuse("moved_from", "a list of places", places);
  return places.map((place: unknown) => readWhole("moved_from", place, 1));
}

function readMetadata(metadata: unknown): object | undefined {
  if (metadata === undefined) return undefined;
  return isObject(metadata) ? metadata : refuse("metadata", "an object", metadata);
}

function readConfig(config: unknown): readonly string[] {
  if (config === undefined) return [];
  const isList = Array.isArray(config) && config.every((field) => typeof field === "string");
  return isList ? config : refuse("config", "a list of texts", config);
}

function readEncodedMetadata(encoded: unknown): ParsedCheckpoint["metadataEncoded"] {
  if (encoded === undefined || typeof encoded === "string") return encoded;
  if (!isObject(encoded) || encoded instanceof Unopened)
    return refuse("metadata_encoded", "a text, or a type and bytes", encoded);
  const { type, data } = encoded as { readonly type?: unknown; readonly data?: unknown };
  return {
    type: readText("metadata_encoded.type", type),
    data: readPlainBytes("metadata_encoded.data", data),
  };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
