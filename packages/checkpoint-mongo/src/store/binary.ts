import { Binary } from "mongodb";
import type { PackedBinary } from "../documents/index.ts";

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

/** The subtype that marks a zstd frame. */
const ZSTD_SUBTYPE = 0x80;

/** Bytes that may be compressed. */
export interface PackedBytes {
  readonly data: Uint8Array;
  readonly compression: "zstd" | undefined;
}

/** Wraps bytes that may be compressed. */
export function toPackedBinary({ data, compression }: PackedBytes): PackedBinary {
  return new Binary(data, compression === "zstd" ? ZSTD_SUBTYPE : Binary.SUBTYPE_DEFAULT);
}

/** Stored bytes that may be compressed. */
export function toPackedBytes(binary: PackedBinary): PackedBytes {
  return {
    data: toBytes(binary),
    compression: binary.sub_type === ZSTD_SUBTYPE ? "zstd" : undefined,
  };
}

/** The hex form of stored bytes. */
export function binaryToHex(binary: Binary): string {
  return Buffer.from(toBytes(binary)).toString("hex");
}
