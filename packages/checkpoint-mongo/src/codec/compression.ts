import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";

/** Shorter content seldom shrinks by more than a frame's header costs. */
const MIN_BYTES = 192;

/** Bytes as they lie in a document. */
export interface PackedBytes {
  readonly data: Uint8Array;
  /** Absent if the bytes are stored as they are. */
  readonly compression?: "zstd";
}

/** Compresses content where that pays: where it saves a tenth or more. */
export function pack(content: Uint8Array): PackedBytes {
  if (content.byteLength < MIN_BYTES) return { data: content };
  const data = zstdCompressSync(content, {
    params: { [constants.ZSTD_c_compressionLevel]: 3 },
  });
  return data.byteLength < content.byteLength * 0.9
    ? { data, compression: "zstd" }
    : { data: content };
}

/**
 * Gives back what {@link pack} packed.
 *
 * @throws Error if compressed bytes are damaged, or the compression is unknown
 */
export function unpack(packed: { data: Uint8Array; compression?: string | undefined }): Uint8Array {
  if (packed.compression === undefined) return packed.data;
  if (packed.compression === "zstd") return zstdDecompressSync(packed.data);
  throw new Error(`unknown compression "${packed.compression}"`);
}
