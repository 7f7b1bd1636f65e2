import type { Transform } from "node:stream";
// Not by name: see check-node.ts.
import zlib from "node:zlib";
import { concatInPieces } from "../event-loop/concat-in-pieces.ts";
import { DICTIONARY } from "./dictionary.ts";
import { deflateRawSync, inflateRawSync } from "./raw-deflate.ts";

/**
 * Shorter content seldom shrinks. To set up a stream takes 0.05 ms in a running agent; to leave out all
 * content under 384 bytes would save two of them a turn, and make short steps 8 % larger.
 */
const MIN_BYTES = 32;

/**
 * Shorter content is deflated: that is smaller than a zstd frame and unpacked in half the time,
 * because zstd sets up its tables anew for each.
 */
const MIN_ZSTD_BYTES = 8_192;

/**
 * Longer content goes to the thread pool. Handing it over takes about 0.15 ms, as long as it takes to
 * compress 100 kB.
 */
const MAX_BYTES_AT_ONCE = 262_144;

/**
 * For content that short, a smaller window and hash table find as much in half the time: most of it
 * goes into setting them up. So does the memory for what comes out.
 */
const DEFLATE_OPTIONS = { dictionary: DICTIONARY, windowBits: 13, memLevel: 5, chunkSize: 4_096 };
const INFLATE_OPTIONS = { dictionary: DICTIONARY };
const ZSTD_OPTIONS = { params: { [zlib.constants.ZSTD_c_compressionLevel]: 3 } };

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
  if (content.byteLength < MIN_BYTES) return plain(content);
  return choose(
    content,
    content.byteLength < MIN_ZSTD_BYTES
      ? { data: deflateRawSync(content, DEFLATE_OPTIONS), compression: "deflate" }
      : { data: zlib.zstdCompressSync(content, ZSTD_OPTIONS), compression: "zstd" },
  );
}

/** What {@link pack} gives. Large content is compressed beside the event loop. */
export function packAside(content: Uint8Array): PackedBytes | Promise<PackedBytes> {
  if (content.byteLength <= MAX_BYTES_AT_ONCE) return pack(content);
  return compressAside(content).then((data) => choose(content, { data, compression: "zstd" }));
}

/**
 * Gives back what {@link pack} packed.
 *
 * @throws Error if compressed bytes are damaged
 */
export function unpack({ data, compression }: PackedBytes): Uint8Array {
  if (compression === "zstd") return zlib.zstdDecompressSync(data);
  return compression === "deflate" ? inflateRawSync(data, INFLATE_OPTIONS) : data;
}

/**
 * What {@link unpack} gives. Large content is unpacked beside the event loop.
 *
 * @throws Error, or rejects with one, if compressed bytes are damaged
 */
export function unpackAside(packed: PackedBytes): Uint8Array | Promise<Uint8Array> {
  const { data, compression } = packed;
  if (compression !== "zstd" || data.byteLength <= MAX_BYTES_AT_ONCE / 4) return unpack(packed);
  return decompressAside(data);
}

function plain(content: Uint8Array): PackedBytes {
  return { data: content, compression: undefined };
}

function choose(content: Uint8Array, packed: PackedBytes): PackedBytes {
  return packed.data.byteLength < content.byteLength * 0.9 ? packed : plain(content);
}

/** What comes out of the thread pool comes in chunks, each with its price. */
const CHUNK_BYTES = 1_048_576;

function compressAside(content: Uint8Array): Promise<Uint8Array> {
  const options = { ...ZSTD_OPTIONS, pledgedSrcSize: content.byteLength, chunkSize: CHUNK_BYTES };
  return collect(zlib.createZstdCompress(options), content);
}

function decompressAside(data: Uint8Array): Promise<Uint8Array> {
  return collect(zlib.createZstdDecompress({ chunkSize: CHUNK_BYTES }), data);
}

async function collect(stream: Transform, bytes: Uint8Array): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  stream.end(bytes);
  for await (const chunk of stream) chunks.push(chunk as Uint8Array);
  return concatInPieces(chunks);
}
