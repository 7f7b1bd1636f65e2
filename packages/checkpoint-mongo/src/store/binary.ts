import type { Binary } from "mongodb";
import type { PackedBinary, StoredBytes } from "../documents/documents.ts";
import type { PackedBytes } from "../documents/packed-bytes.ts";
import type { BinaryClass } from "../driver/index.ts";

/** Whether a stored value is bytes. Damage may have put anything in their place, or nothing. */
export function isBinary(value: unknown): value is StoredBytes {
  return value instanceof Uint8Array || isBinaryObject(value);
}

/** Stored bytes. */
export function toBytes(binary: StoredBytes): Uint8Array {
  return binary instanceof Uint8Array ? binary : binary.buffer.subarray(0, binary.position);
}

/** BSON's subtype of stored bytes. */
export function readSubtype(binary: StoredBytes): number {
  return isBinaryObject(binary) ? binary.sub_type : 0;
}

/** The bytes that a hex text stands for. */
export function hexToBytes(hex: string): Uint8Array {
  return Buffer.from(hex, "hex");
}

/** The hex form of stored bytes. */
export function bytesToHex(binary: StoredBytes): string {
  const { buffer, byteOffset, byteLength } = toBytes(binary);
  return Buffer.from(buffer, byteOffset, byteLength).toString("hex");
}

/** The subtypes that mark compressed bytes. */
const SUBTYPES = { zstd: 0x80, deflate: 0x81 } as const;

/** Wraps bytes that may be compressed. */
export function toPackedBinary(
  { data, compression }: PackedBytes,
  Binary: BinaryClass,
): PackedBinary {
  return compression === undefined ? data : new Binary(data, SUBTYPES[compression]);
}

/** Stored bytes that may be compressed. */
export function toPackedBytes(binary: PackedBinary): PackedBytes {
  return {
    data: toBytes(binary),
    compression: isBinaryObject(binary) ? readCompression(binary.sub_type) : undefined,
  };
}

function isBinaryObject(value: unknown): value is Binary {
  const binary = value as Partial<Binary> | null | undefined;
  // A document may have a field of that name.
  return binary?._bsontype === "Binary" && binary.buffer instanceof Uint8Array;
}

function readCompression(subtype: number): PackedBytes["compression"] {
  if (subtype === SUBTYPES.zstd) return "zstd";
  return subtype === SUBTYPES.deflate ? "deflate" : undefined;
}
