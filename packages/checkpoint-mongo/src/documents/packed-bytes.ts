import type { BinaryClass } from "../driver/binary-class.ts";
import { readSubtype, toBytes, type StoredBytes } from "../driver/binary.ts";

/** How bytes are compressed: raw deflate with this package's dictionary, or a zstd frame. */
export type Compression = "deflate" | "zstd";

/** Bytes as they lie in a document. Compressed ones begin with their plain length as LEB128. */
export interface PackedBytes {
  readonly data: Uint8Array;
  /** Undefined if the bytes are stored as they are. */
  readonly compression: Compression | undefined;
}

/**
 * Bytes that may be compressed. Subtype 0: plain. Subtype 128: a zstd frame. Subtype 129: raw deflate with
 * this package's dictionary. (From 128 on, subtypes are free for users.) Compressed bytes come after their
 * plain length as LEB128, which bounds what is unpacked.
 */
export type PackedBinary = StoredBytes;

/** The subtypes that mark compressed bytes. */
const SUBTYPES = { zstd: 0x80, deflate: 0x81 } as const;

/** Wraps bytes that may be compressed. */
export function toPackedBinary(
  { data, compression }: PackedBytes,
  Binary: BinaryClass,
): PackedBinary {
  return compression === undefined ? data : new Binary(data, SUBTYPES[compression]);
}

/** Reads stored bytes that may be compressed. */
export function toPackedBytes(binary: PackedBinary): PackedBytes {
  return {
    data: toBytes(binary),
    compression: readCompression(readSubtype(binary)),
  };
}

function readCompression(subtype: number): PackedBytes["compression"] {
  if (subtype === SUBTYPES.zstd) return "zstd";
  return subtype === SUBTYPES.deflate ? "deflate" : undefined;
}
