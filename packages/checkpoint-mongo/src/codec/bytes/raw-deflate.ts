// Not by name: see check-node.ts.
import zlib from "node:zlib";
import { unsupportedRuntime } from "../../errors/unsupported-runtime.ts";
import { unpackWhole, type Unpacked, type WholeOptions } from "./unpack-whole.ts";

/** Options of raw deflate with a dictionary, to which the content may refer back. */
export interface DeflateOptions {
  /** 32 kB at most: raw deflate cannot refer back further. */
  readonly dictionary: Uint8Array;
  readonly finishFlush?: number;
  readonly windowBits?: number;
  readonly memLevel?: number;
  readonly chunkSize?: number;
}

/** What a stream is unpacked with. */
export interface InflateOptions {
  readonly dictionary: Uint8Array;
  /** The exact length of the content, at least 1. */
  readonly length: number;
}

/** The functions of `node:zlib` that this package needs beside zstd. */
export interface NativeDeflate {
  readonly deflateRawSync: (content: Uint8Array, options: DeflateOptions) => Buffer;
  readonly inflateRawSync: (
    data: Uint8Array,
    options: WholeOptions & Pick<InflateOptions, "dictionary">,
  ) => Unpacked;
}

/** Raw deflate whose streams are whole, see {@link unpackWhole}. */
export interface RawDeflate {
  readonly deflate: (content: Uint8Array, options: DeflateOptions) => Buffer;
  readonly inflate: (data: Uint8Array, options: InflateOptions) => Buffer;
}

let chosen: RawDeflate | undefined;

/** The raw deflate of this runtime, after it was checked. */
export function getRawDeflate(): RawDeflate {
  // The types of Node.js do not know what the option `info` gives.
  return (chosen ??= chooseRawDeflate(zlib as unknown as NativeDeflate));
}

/** Compresses with a dictionary, or without one if this runtime has none. Both can be unpacked the same way. */
export function deflateRaw(content: Uint8Array, options: DeflateOptions): Buffer {
  return getRawDeflate().deflate(content, options);
}

/**
 * Unpacks what was compressed with a dictionary.
 *
 * @throws Error if it is damaged, has bytes after its end or has another length
 */
export function inflateRaw(data: Uint8Array, options: InflateOptions): Buffer {
  return getRawDeflate().inflate(data, options);
}

/** A text that consists almost only of references to its dictionary, and its deflated form. */
const TEST = {
  dictionary: Buffer.from("What was stored on one runtime is read on another one."),
  content: Buffer.from("what was stored on one runtime is read on one runtime and on another one."),
  deflated: Buffer.from("2b275a17b270621e864100", "hex"),
};

/**
 * Finds out whether the zlib of a runtime supports dictionaries, with data of another runtime. Deno ignores
 * them for raw deflate, so data of other runtimes would look damaged to it.
 *
 * @returns that zlib, or an emulation if it ignores dictionaries
 * @throws ThreadkeepError if neither unpacks the data
 */
export function chooseRawDeflate(native: NativeDeflate): RawDeflate {
  const direct = withDictionaries(native);
  if (isRight(direct)) return direct;
  const emulated = withoutDictionaries(native);
  if (isRight(emulated)) return emulated;
  throw unsupportedRuntime("does not give back what raw deflate has packed");
}

function isRight({ deflate, inflate }: RawDeflate): boolean {
  const { dictionary, content, deflated } = TEST;
  const options = { dictionary, length: content.byteLength };
  try {
    return (
      inflate(deflated, options).equals(content) &&
      inflate(deflate(content, { dictionary }), options).equals(content)
    );
  } catch {
    return false;
  }
}

function withDictionaries(native: NativeDeflate): RawDeflate {
  return {
    deflate: native.deflateRawSync,
    inflate: (data, { dictionary, length }) =>
      unpackWhole(
        (stream, options) => native.inflateRawSync(stream, { ...options, dictionary }),
        data,
        length,
      ),
  };
}

/**
 * To unpack, the dictionary is put before the data as uncompressed blocks, so that references find it, and is
 * cut off the result. What is compressed does not refer to a dictionary: it is larger, and every runtime can
 * unpack it.
 */
function withoutDictionaries(native: NativeDeflate): RawDeflate {
  const direct = withDictionaries(native);
  return {
    deflate: (content, options) => native.deflateRawSync(content, { ...options, dictionary: NONE }),
    inflate: (data, { dictionary, length }) => {
      const whole = Buffer.concat([toStoredBlock(dictionary), data]);
      const options = { dictionary: NONE, length: dictionary.byteLength + length };
      return direct.inflate(whole, options).subarray(dictionary.byteLength);
    },
  };
}

const NONE = new Uint8Array();

/** An uncompressed block of raw deflate (RFC 1951, 3.2.4), not the last: its length twice, and the bytes. */
function toStoredBlock(bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt16LE(bytes.byteLength, 1);
  header.writeUInt16LE(bytes.byteLength ^ 0xffff, 3);
  return Buffer.concat([header, bytes]);
}
