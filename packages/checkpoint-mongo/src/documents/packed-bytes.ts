/** How bytes are compressed: raw deflate with this package's dictionary, or a zstd frame. */
export type Compression = "deflate" | "zstd";

/** Bytes as they lie in a document. Compressed ones begin with their plain length as LEB128. */
export interface PackedBytes {
  readonly data: Uint8Array;
  /** Undefined if the bytes are stored as they are. */
  readonly compression: Compression | undefined;
}
