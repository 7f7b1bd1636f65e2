import type { Transform } from "node:stream";
// Not by name: see check-node.ts.
import zlib from "node:zlib";
import type { Compression, PackedBytes } from "../../documents/packed-bytes.ts";
import { concatInPieces } from "../../event-loop/concat-in-pieces.ts";
import { DICTIONARY } from "./dictionary.ts";
import { encodeNumber, readNumber } from "./leb128.ts";
import { deflateRaw, inflateRaw } from "./raw-deflate.ts";
import { checkWhole, unpackWhole, type Unpacked, type WholeOptions } from "./unpack-whole.ts";

/**
 * Shorter content seldom shrinks. Setting up a stream takes 0.05 ms in a running agent. A limit of 384 bytes
 * would save two streams a turn, and make short steps 8 % larger.
 */
const MIN_BYTES = 32;

/**
 * Shorter content is deflated: that is smaller than a zstd frame and is unpacked in half the time, because
 * zstd builds its tables for each frame.
 */
const MIN_ZSTD_BYTES = 8_192;

/**
 * Longer content goes to the thread pool. The handover takes about 0.15 ms, as long as compressing 100 kB.
 */
const MAX_BYTES_AT_ONCE = 262_144;

/**
 * For such short content a smaller window, hash table and output chunk take half the time and find as much:
 * most of the time goes into setting them up.
 */
const DEFLATE_OPTIONS = { dictionary: DICTIONARY, windowBits: 13, memLevel: 5, chunkSize: 4_096 };
const ZSTD_OPTIONS = { params: { [zlib.constants.ZSTD_c_compressionLevel]: 3 } };

/**
 * How much memory a frame may refer back to, as a power of two. The options above use 2 MiB at most, and no
 * level below 20 uses more than 8 MiB. A forged frame could ask for 128 MiB.
 */
const UNZSTD_OPTIONS = { params: { [zlib.constants.ZSTD_d_windowLogMax]: 23 } };

/** Compresses content if that saves a tenth or more. */
export function pack(content: Uint8Array): PackedBytes {
  if (content.byteLength < MIN_BYTES) return plain(content);
  return content.byteLength < MIN_ZSTD_BYTES
    ? choose(content, deflateRaw(content, DEFLATE_OPTIONS), "deflate")
    : choose(content, zlib.zstdCompressSync(content, ZSTD_OPTIONS), "zstd");
}

/** Like {@link pack}, but large content is compressed in the thread pool. */
export function packAside(content: Uint8Array): PackedBytes | Promise<PackedBytes> {
  return content.byteLength <= MAX_BYTES_AT_ONCE ? pack(content) : compressAside(content);
}

/**
 * The length that {@link unpack} would give, as the bytes themselves say.
 *
 * @throws Error if they do not begin with a length
 */
export function readPlainLength({ data, compression }: PackedBytes): number {
  return compression === undefined ? data.byteLength : readNumber(data).number;
}

/**
 * Unpacks what {@link pack} packed.
 *
 * @param maxBytes longer content is not unpacked
 * @throws Error if the content is too long, or the bytes are damaged
 */
export function unpack(packed: PackedBytes, maxBytes: number): Uint8Array {
  const { length, stream } = open(packed, maxBytes);
  if (packed.compression === undefined) return stream;
  return packed.compression === "zstd"
    ? unpackWhole(unzstd, stream, length)
    : inflateRaw(stream, { dictionary: DICTIONARY, length });
}

/**
 * Like {@link unpack}, but large content is unpacked in the thread pool.
 *
 * @throws Error, or rejects with one, like {@link unpack}
 */
export function unpackAside(
  packed: PackedBytes,
  maxBytes: number,
): Uint8Array | Promise<Uint8Array> {
  const isLarge = packed.compression === "zstd" && packed.data.byteLength > MAX_BYTES_AT_ONCE / 4;
  if (!isLarge) return unpack(packed, maxBytes);
  const { length, stream } = open(packed, maxBytes);
  return decompressAside(stream, length);
}

/** A stream and the length of its content. */
interface OpenedStream {
  readonly length: number;
  readonly stream: Uint8Array;
}

function open({ data, compression }: PackedBytes, maxBytes: number): OpenedStream {
  const { number: length, rest: stream } =
    compression === undefined ? { number: data.byteLength, rest: data } : readNumber(data);
  if (length > maxBytes) {
    throw new Error(`it has ${length} bytes unpacked, and may have ${maxBytes}`);
  }
  // Empty content is never compressed, and node:zlib does not take 0 as a bound.
  if (compression !== undefined && length === 0) throw new Error("it has no bytes unpacked");
  return { length, stream };
}

function plain(content: Uint8Array): PackedBytes {
  return { data: content, compression: undefined };
}

function choose(content: Uint8Array, stream: Uint8Array, compression: Compression): PackedBytes {
  const data = Buffer.concat([encodeNumber(content.byteLength), stream]);
  return pays(data, content) ? { data, compression } : plain(content);
}

function pays(data: Uint8Array, content: Uint8Array): boolean {
  return data.byteLength < content.byteLength * 0.9;
}

/** The size of the chunks that come from the thread pool. Each chunk costs some time. */
const CHUNK_BYTES = 1_048_576;

async function compressAside(content: Uint8Array): Promise<PackedBytes> {
  const options = { ...ZSTD_OPTIONS, pledgedSrcSize: content.byteLength, chunkSize: CHUNK_BYTES };
  const stream = zlib.createZstdCompress(options);
  const chunks: Uint8Array[] = [encodeNumber(content.byteLength)];
  for await (const chunk of feed(stream, content)) chunks.push(chunk);
  const data = await concatInPieces(chunks);
  return pays(data, content) ? { data, compression: "zstd" } : plain(content);
}

async function decompressAside(data: Uint8Array, length: number): Promise<Uint8Array> {
  const stream = zlib.createZstdDecompress({ ...UNZSTD_OPTIONS, chunkSize: CHUNK_BYTES });
  const content = Buffer.allocUnsafeSlow(length);
  let given = 0;
  for await (const chunk of feed(stream, data)) {
    if (given + chunk.byteLength <= length) content.set(chunk, given);
    given += chunk.byteLength;
    // Leaving the loop ends the stream.
    if (given > length) break;
  }
  checkWhole({ read: stream.bytesWritten, of: data.byteLength, given, length });
  return content;
}

function feed(stream: Transform, bytes: Uint8Array): AsyncIterable<Uint8Array> {
  stream.end(bytes);
  return stream;
}

function unzstd(data: Uint8Array, options: WholeOptions): Unpacked {
  // The types of Node.js do not know what the option `info` gives.
  return zlib.zstdDecompressSync(data, { ...UNZSTD_OPTIONS, ...options }) as unknown as Unpacked;
}
