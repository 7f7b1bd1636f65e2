import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";

/** Shorter content seldom shrinks by more than a frame's header costs. */
const MIN_BYTES = 192;

/** Bytes as they lie in a document. */
export interface PackedBytes {
  readonly data: Uint8Array;
  /** Undefined if the bytes are stored as they are. */
  readonly compression: "zstd" | undefined;
}

/** Compresses content where that pays: where it saves a tenth or more. */
export function pack(content: Uint8Array): PackedBytes {
  if (content.byteLength < MIN_BYTES) return { data: content, compression: undefined };
  const data = zstdCompressSync(content, {
    params: { [constants.ZSTD_c_compressionLevel]: 3 },
  });
  return data.byteLength < content.byteLength * 0.9
    ? { data, compression: "zstd" }
    : { data: content, compression: undefined };
}

/**
 * Gives back what {@link pack} packed.
 *
 * @throws Error if compressed bytes are damaged
 */
export function unpack({ data, compression }: PackedBytes): Uint8Array {
  return compression === "zstd" ? zstdDecompressSync(data) : data;
}
