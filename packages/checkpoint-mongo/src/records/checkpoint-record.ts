import { PLAIN } from "../documents/sealed-bytes.ts";
import { inspect } from "node:util";
import type { CheckpointAddress } from "../address/address.ts";
import { readAddress } from "../address/read-address.ts";
import {
  decodeCheckpointText,
  MAX_TEXT_BYTES,
  type CheckpointHeader,
} from "../codec/checkpoints/checkpoint-text.ts";
import { encodeValue } from "../codec/values/encode-value.ts";
import { unpack } from "../codec/bytes/compression.ts";
import type { CheckpointOrigin } from "../documents/checkpoint-origin.ts";
import type { CheckpointDocument } from "../documents/documents.ts";
import type { Manifest } from "../documents/manifest.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { isKeyError } from "../errors/is-key-error.ts";
import { UnsupportedFormatError } from "../errors/unsupported-format-error.ts";
import { asNotDecodable, asWrongField, asWrongHash, type Fault } from "../errors/corruption.ts";
import type { Hasher } from "../integrity/hashes.ts";
import { FieldFault } from "../store/document-fields.ts";
import type { PlacedCheckpoint } from "../store/find-checkpoint.ts";
import { locateFormat } from "./decode-stored.ts";
import { parseCheckpoint, type ParsedCheckpoint } from "./parse-checkpoint.ts";
import type { TypedBytes } from "./value-writer.ts";
import { readWitness, type Witness } from "./witness.ts";

/** How many bytes each channel's value takes as it is encoded, before compression. */
export type ChannelSizes = ReadonlyMap<string, number>;

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
  /** What the config of its put said. */
  readonly origin: CheckpointOrigin;
  /** The hashes that it had in former places of the order; see `moved_from` of its document. */
  readonly formerHashes?: readonly Uint8Array[] | undefined;
  /** What it says of documents beside it, where it was read. */
  readonly witness?: Witness | undefined;
  /**
   * Whether it lies in clear text where new documents are encrypted. Nothing is built upon it: what it is made of
   * lies in clear text too.
   */
  readonly isPlain?: boolean | undefined;
  /** How large its channels are, where this process has measured them. */
  readonly sizes?: ChannelSizes | undefined;
}

/**
 * The id of a checkpoint document, and its place in the order of the namespace, unverified.
 *
 * @throws CorruptCheckpointError if it has no place
 */
export function readPlace(document: CheckpointDocument): PlacedCheckpoint {
  const { checkpointId } = readAddress(document);
  const seq: unknown = document.seq;
  if (Number.isSafeInteger(seq)) return { checkpointId, seq: seq as number };
  throw corrupt(
    readAddress(document),
    asWrongField({
      field: "seq",
      expected: "a whole number",
      found: inspect(seq, { depth: 0 }),
    }),
  );
}

/**
 * Reads a checkpoint document: each field must be as this package writes it, and all as they are hashed.
 *
 * @throws CorruptCheckpointError if it is not as it was written
 * @throws IntegrityKeyError if the key that it was hashed with is not there
 * @throws UnsupportedFormatError if a newer version of this package has written it
 */
export function readRecord(document: CheckpointDocument, hasher: Hasher): CheckpointRecord {
  const address = readAddress(document);
  try {
    const parsed = parseCheckpoint(document);
    const body = unpack(parsed.body, MAX_TEXT_BYTES);
    const metadata = toTyped(parsed);
    const { parentCheckpointId, parentHash, seq, epoch, expiresAt, segments, keyName, origin } =
      parsed;
    const hashIn = (order: number) =>
      hasher.hashCheckpoint({
        address,
        epoch,
        keyName,
        parentCheckpointId,
        parentHash,
        order,
        body,
        segments,
        metadataType: metadata.type,
        metadata: metadata.bytes,
        origin,
      });
    const hash = hashIn(seq);
    if (Buffer.compare(hash, parsed.hash) !== 0) {
      const expected = Buffer.from(parsed.hash).toString("hex");
      const found = Buffer.from(hash).toString("hex");
      throw corrupt(address, asWrongHash(expected, found));
    }
    return {
      address,
      parentCheckpointId,
      seq,
      epoch,
      expiresAt,
      ...decodeCheckpointText({
        text: Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString(),
        segments,
      }),
      metadata,
      parentHash,
      hash,
      origin,
      ...(parsed.movedFrom.length > 0 && { formerHashes: parsed.movedFrom.map(hashIn) }),
      witness: readWitness(document),
      ...(document[PLAIN] && { isPlain: true }),
    };
  } catch (error) {
    if (CorruptCheckpointError.isInstance(error) || isKeyError(error)) {
      throw error;
    }
    if (UnsupportedFormatError.isInstance(error)) throw locateFormat(error, address);
    throw corrupt(
      address,
      error instanceof FieldFault
        ? asWrongField(error)
        : asNotDecodable(error, "a readable document"),
      error,
    );
  }
}

/** Metadata as it is hashed. */
export function toTyped({ metadata, metadataEncoded }: ParsedCheckpoint): TypedBytes {
  if (metadataEncoded === undefined) {
    return { type: undefined, bytes: Buffer.from(encodeValue(metadata, "metadata")) };
  }
  return typeof metadataEncoded === "string"
    ? { type: undefined, bytes: Buffer.from(metadataEncoded) }
    : { type: metadataEncoded.type, bytes: metadataEncoded.data };
}

function corrupt(
  address: CheckpointAddress,
  fault: Fault,
  cause?: unknown,
): CorruptCheckpointError {
  return new CorruptCheckpointError(
    address,
    { document: "checkpoint", which: address.checkpointId, ...fault },
    { cause },
  );
}
