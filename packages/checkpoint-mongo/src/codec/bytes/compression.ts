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
const ZSTD_OPTIONS = { params: { [zlib.constants.ZSTD_c_compressionLevel]: 3 } };

/**
 * The memory in which a frame may refer back, as a power of two: the packing above asks for 2 MiB at most,
 * no level below 20 for more than this. A forged frame could ask for 128 MiB.
 */
const UNZSTD_OPTIONS = { params: { [zlib.constants.ZSTD_d_windowLogMax]: 23 } };

/** Compresses content where that pays: where it saves a tenth or more. */
export function pack(content: Uint8Array): PackedBytes {
  if (content.byteLength < MIN_BYTES) return plain(content);
  return content.byteLength < MIN_ZSTD_BYTES
    ? choose(content, deflateRaw(content, DEFLATE_OPTIONS), "deflate")
    : choose(content, zlib.zstdCompressSync(content, ZSTD_OPTIONS), "zstd");
}

/** What {@link pack} gives. Large content is compressed beside the event loop. */
export function packAside(content: Uint8Array): PackedBytes | Promise<PackedBytes> {
  return content.byteLength <= MAX_BYTES_AT_ONCE ? pack(content) : compressAside(content);
}

/**
 * The length of what {@link unpack} would give, as the bytes themselves say.
 *
 * @throws Error if they do not say it
 */
export function readPlainLength({ data, compression }: PackedBytes): number {
  return compression === undefined ? data.byteLength : readNumber(data).number;
}

/**
 * Gives back what {@link pack} packed.
 *
 * @param maxBytes nothing that is longer is unpacked
 * @throws Error if that is too long, or compressed bytes are damaged
 */
export function unpack(packed: PackedBytes, maxBytes: number): Uint8Array {
  const { length, stream } = open(packed, maxBytes);
  if (packed.compression === undefined) return stream;
  return packed.compression === "zstd"
    ? unpackWhole(unzstd, stream, length)
    : inflateRaw(stream, { dictionary: DICTIONARY, length });
}

/**
 * What {@link unpack} gives. Large content is unpacked beside the event loop.
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

/** A stream and what is to come out of it. */
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
  // Nothing that is so short is compressed, and node:zlib takes no bound of nothing.
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

/** What comes out of the thread pool comes in chunks, each with its price. */
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
    // To leave the loop ends the stream.
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
