import type { Binary } from "mongodb";

/** Bytes: written as a `Uint8Array`, read as a `Binary` of the client's own copy of the driver. */
export type StoredBytes = Binary | Uint8Array;

/** Whether a stored value is bytes. Damage may have put anything else there, or nothing. */
export function isBinary(value: unknown): value is StoredBytes {
  return value instanceof Uint8Array || isBinaryObject(value);
}

/** Reads stored bytes. */
export function toBytes(binary: StoredBytes): Uint8Array {
  return binary instanceof Uint8Array ? binary : binary.buffer.subarray(0, binary.position);
}

/** The BSON subtype of stored bytes. */
export function readSubtype(binary: StoredBytes): number {
  return isBinaryObject(binary) ? binary.sub_type : 0;
}

/** Decodes hex. */
export function hexToBytes(hex: string): Uint8Array {
  return Buffer.from(hex, "hex");
}

/** Encodes stored bytes as hex. */
export function bytesToHex(binary: StoredBytes): string {
  const { buffer, byteOffset, byteLength } = toBytes(binary);
  return Buffer.from(buffer, byteOffset, byteLength).toString("hex");
}

function isBinaryObject(value: unknown): value is Binary {
  const binary = value as Partial<Binary> | null | undefined;
  // A document may have a field of that name.
  return binary?._bsontype === "Binary" && binary.buffer instanceof Uint8Array;
}
