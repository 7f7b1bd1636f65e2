import type { CheckpointAddress } from "../address/address.ts";
import {
  decodeCheckpointText,
  encodeValue,
  MAX_TEXT_BYTES,
  unpack,
  type CheckpointHeader,
} from "../codec/index.ts";
import type { CheckpointDocument, Manifest } from "../documents/index.ts";
import { CorruptCheckpointError, IntegrityKeyError } from "../errors/index.ts";
import type { Hasher } from "../integrity/hashes.ts";
import { bytesToHex, toBytes, toPackedBytes } from "../store/index.ts";
import type { ChannelSizes } from "./measure-state.ts";
import { readWitness, type Witness } from "./witness.ts";
import type { TypedBytes } from "./value-writer.ts";

/** A checkpoint as it is stored, verified, without its channels' values. */
export interface CheckpointRecord {
  readonly address: CheckpointAddress;
  readonly parentCheckpointId: string | undefined;
  readonly seq: number;
  readonly epoch: number;
  readonly expiresAt: Date | undefined;
  readonly header: CheckpointHeader;
  readonly manifest: Manifest;
  readonly metadata: TypedBytes;
  /** Undefined if the parent was not stored. */
  readonly parentHash: Uint8Array | undefined;
  readonly hash: Uint8Array;
  /** What it says of documents beside it, where it was read. */
  readonly witness?: Witness | undefined;
  /** How large its channels are, where this process has measured them. */
  readonly sizes?: ChannelSizes | undefined;
}

/** Where a checkpoint document lies. */
export function readAddress(document: CheckpointDocument): CheckpointAddress {
  return {
    threadId: document.thread_id,
    checkpointNs: document.checkpoint_ns,
    checkpointId: document.checkpoint_id,
  };
}

/**
 * Reads a checkpoint document and verifies its hash.
 *
 * @throws CorruptCheckpointError if it is not as it was written
 * @throws IntegrityKeyError if the key that it was hashed with is not there
 */
export function readRecord(document: CheckpointDocument, hasher: Hasher): CheckpointRecord {
  const address = readAddress(document);
  try {
    const body = unpack(toPackedBytes(document.body), MAX_TEXT_BYTES);
    const segments = toBytes(document.segments);
    const metadata = readMetadata(document);
    const parentHash = document.parent_hash && toBytes(document.parent_hash);
    const hash = hasher.hashCheckpoint({
      address,
      keyName: document.key_name,
      parentCheckpointId: document.parent_checkpoint_id,
      parentHash,
      order: document.seq,
      body,
      segments,
      metadataType: metadata.type,
      metadata: metadata.bytes,
    });
    if (Buffer.compare(hash, toBytes(document.hash)) !== 0) {
      const expected = bytesToHex(document.hash);
      const found = Buffer.from(hash).toString("hex");
      throw corrupt(address, `the hash ${expected}`, `the hash ${found}`);
    }
    return {
      address,
      parentCheckpointId: document.parent_checkpoint_id,
      seq: document.seq,
      epoch: document.epoch ?? 0,
      expiresAt: document.expires_at,
      ...decodeCheckpointText({
        text: Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString(),
        segments,
      }),
      metadata,
      parentHash,
      hash,
      witness: readWitness(document),
    };
  } catch (error) {
    if (CorruptCheckpointError.isInstance(error) || IntegrityKeyError.isInstance(error))
      throw error;
    throw corrupt(address, "a readable document", String(error), error);
  }
}

function readMetadata({ metadata, metadata_encoded }: CheckpointDocument): TypedBytes {
  if (metadata_encoded === undefined) {
    return { type: undefined, bytes: Buffer.from(encodeValue(metadata, "metadata")) };
  }
  return typeof metadata_encoded === "string"
    ? { type: undefined, bytes: Buffer.from(metadata_encoded) }
    : { type: metadata_encoded.type, bytes: toBytes(metadata_encoded.data) };
}

function corrupt(
  address: CheckpointAddress,
  expected: string,
  found: string,
  cause?: unknown,
): CorruptCheckpointError {
  return new CorruptCheckpointError(
    address,
    { document: "checkpoint", which: address.checkpointId, expected, found },
    { cause },
  );
}
