// Not by name: see check-node.ts.
import zlib from "node:zlib";
import { DICTIONARY } from "./dictionary.ts";
import { deflateRawSync, inflateRawSync } from "./raw-deflate.ts";

/** Shorter content seldom shrinks enough to be worth the time. */
const MIN_BYTES = 32;

/**
 * Shorter content is deflated: that is smaller than a zstd frame and unpacked in half the time,
 * because zstd sets up its tables anew for each.
 */
const MIN_ZSTD_BYTES = 8_192;

const WITH_DICTIONARY = { dictionary: DICTIONARY };

/** How bytes are compressed: raw deflate with this package's dictionary, or a zstd frame. */
export type Compression = "deflate" | "zstd";

/** Bytes as they lie in a document. */
export interface PackedBytes {
  readonly data: Uint8Array;
  /** Undefined if the bytes are stored as they are. */
  readonly compression: Compression | undefined;
}

/** Compresses content where that pays: where it saves a tenth or more. */
export function pack(content: Uint8Array): PackedBytes {
  const plain = { data: content, compression: undefined };
  if (content.byteLength < MIN_BYTES) return plain;
  const packed: PackedBytes =
    content.byteLength < MIN_ZSTD_BYTES
      ? { data: deflateRawSync(content, WITH_DICTIONARY), compression: "deflate" }
      : { data: compressWithZstd(content), compression: "zstd" };
  return packed.data.byteLength < content.byteLength * 0.9 ? packed : plain;
}

/**
 * Gives back what {@link pack} packed.
 *
 * @throws Error if compressed bytes are damaged
 */
export function unpack({ data, compression }: PackedBytes): Uint8Array {
  if (compression === "zstd") return zlib.zstdDecompressSync(data);
  return compression === "deflate" ? inflateRawSync(data, WITH_DICTIONARY) : data;
}

function compressWithZstd(content: Uint8Array): Uint8Array {
  return zlib.zstdCompressSync(content, {
    params: { [zlib.constants.ZSTD_c_compressionLevel]: 3 },
  });
}
