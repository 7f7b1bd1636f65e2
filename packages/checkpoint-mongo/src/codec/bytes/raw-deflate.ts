// Not by name: see check-node.ts.
import zlib from "node:zlib";
import { unsupportedRuntime } from "../../errors/unsupported-runtime.ts";
import { unpackWhole, type Unpacked, type WholeOptions } from "./unpack-whole.ts";

/** Raw deflate with a dictionary: content before the content, to refer back to. */
export interface DeflateOptions {
  /** 32 kB at most: no further does raw deflate refer back. */
  readonly dictionary: Uint8Array;
  readonly finishFlush?: number;
  readonly windowBits?: number;
  readonly memLevel?: number;
  readonly chunkSize?: number;
}

/** What comes out of a stream. */
export interface InflateOptions {
  readonly dictionary: Uint8Array;
  /** Just so many bytes, at least 1. */
  readonly length: number;
}

/** What this package needs of `node:zlib` beside zstd. */
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

/** This runtime's, once it is known to be right. */
export function getRawDeflate(): RawDeflate {
  // The types of Node.js do not know what the option `info` gives.
  return (chosen ??= chooseRawDeflate(zlib as unknown as NativeDeflate));
}

/** Compresses with a dictionary, or without one where this runtime cannot: it unpacks all the same. */
export function deflateRaw(content: Uint8Array, options: DeflateOptions): Buffer {
  return getRawDeflate().deflate(content, options);
}

/**
 * Unpacks what was compressed with a dictionary.
 *
 * @throws Error if it is damaged, goes on after its end or has another length
 */
export function inflateRaw(data: Uint8Array, options: InflateOptions): Buffer {
  return getRawDeflate().inflate(data, options);
}

/** A text that is deflated to little more than references to its dictionary, and what comes of it. */
const TEST = {
  dictionary: Buffer.from("What was stored on one runtime is read on another one."),
  content: Buffer.from("what was stored on one runtime is read on one runtime and on another one."),
  deflated: Buffer.from("2b275a17b270621e864100", "hex"),
};

/**
 * Finds out whether a runtime's zlib knows dictionaries, by data that another one made. Deno ignores
 * them for raw deflate, and would take for damaged what others have stored.
 *
 * @returns that zlib, or, where it ignores dictionaries, one that does without
 * @throws ThreadkeepError if neither gives back what was stored
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
 * The dictionary is put before the data as blocks that are stored as they are, so that the data's
 * references find it, and is taken off what comes out. What is compressed refers to nothing before
 * it: that is larger, and what every runtime unpacks.
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

/** A block of raw deflate (RFC 1951, 3.2.4) that is not the last one: its length twice, and the bytes. */
function toStoredBlock(bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt16LE(bytes.byteLength, 1);
  header.writeUInt16LE(bytes.byteLength ^ 0xffff, 3);
  return Buffer.concat([header, bytes]);
}
