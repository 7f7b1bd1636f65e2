import { Binary } from "mongodb";
import type { PackedBinary } from "../documents/index.ts";

/** Whether a stored value is bytes. Damage may have put anything in their place, or nothing. */
export function isBinary(value: unknown): value is Binary {
  return (value as Partial<Binary> | null | undefined)?._bsontype === "Binary";
}

/** Wraps bytes for storage. */
export function toBinary(bytes: Uint8Array): Binary {
  return new Binary(bytes);
}

/** Stored bytes. */
export function toBytes(binary: Binary): Uint8Array {
  return binary.buffer.subarray(0, binary.position);
}

/** Wraps the bytes that a hex text stands for. */
export function hexToBinary(hex: string): Binary {
  return new Binary(Buffer.from(hex, "hex"));
}

/** The subtypes that mark compressed bytes. */
const SUBTYPES = { zstd: 0x80, deflate: 0x81 } as const;

/** Bytes that may be compressed. */
export interface PackedBytes {
  readonly data: Uint8Array;
  readonly compression: keyof typeof SUBTYPES | undefined;
}

/** Wraps bytes that may be compressed. */
export function toPackedBinary({ data, compression }: PackedBytes): PackedBinary {
  const subtype = compression === undefined ? Binary.SUBTYPE_DEFAULT : SUBTYPES[compression];
  return new Binary(data, subtype);
}

/** Stored bytes that may be compressed. */
export function toPackedBytes(binary: PackedBinary): PackedBytes {
  return {
    data: toBytes(binary),
    compression: readCompression(binary.sub_type),
  };
}

/** The hex form of stored bytes. */
export function binaryToHex(binary: Binary): string {
  return Buffer.from(toBytes(binary)).toString("hex");
}

function readCompression(subtype: number): PackedBytes["compression"] {
  if (subtype === SUBTYPES.zstd) return "zstd";
  return subtype === SUBTYPES.deflate ? "deflate" : undefined;
}
