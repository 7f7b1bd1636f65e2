// Not by name: see check-node.ts.
import zlib from "node:zlib";
import { unsupportedRuntime } from "../errors/index.ts";

/** Raw deflate with a dictionary: content before the content, to refer back to. */
export interface RawDeflateOptions {
  /** 32 kB at most: no further does raw deflate refer back. */
  readonly dictionary: Uint8Array;
  readonly finishFlush?: number;
  readonly windowBits?: number;
  readonly memLevel?: number;
  readonly chunkSize?: number;
}

/** What this package needs of `node:zlib` beside zstd. */
export interface RawDeflate {
  readonly deflateRawSync: (content: Uint8Array, options: RawDeflateOptions) => Buffer;
  readonly inflateRawSync: (data: Uint8Array, options: RawDeflateOptions) => Buffer;
}

let chosen: RawDeflate | undefined;

/** This runtime's, once it is known to be right. */
export function getRawDeflate(): RawDeflate {
  return (chosen ??= chooseRawDeflate(zlib));
}

/** Compresses with a dictionary, or without one where this runtime cannot: it unpacks all the same. */
export function deflateRawSync(content: Uint8Array, options: RawDeflateOptions): Buffer {
  return getRawDeflate().deflateRawSync(content, options);
}

/**
 * Unpacks what was compressed with a dictionary.
 *
 * @throws Error if it is damaged
 */
export function inflateRawSync(data: Uint8Array, options: RawDeflateOptions): Buffer {
  return getRawDeflate().inflateRawSync(data, options);
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
export function chooseRawDeflate(native: RawDeflate): RawDeflate {
  if (isRight(native)) return native;
  const emulated = withoutDictionaries(native);
  if (isRight(emulated)) return emulated;
  throw unsupportedRuntime("does not give back what raw deflate has packed");
}

function isRight({ deflateRawSync: deflate, inflateRawSync: inflate }: RawDeflate): boolean {
  const { dictionary, content, deflated } = TEST;
  try {
    return (
      inflate(deflated, { dictionary }).equals(content) &&
      inflate(deflate(content, { dictionary }), { dictionary }).equals(content)
    );
  } catch {
    return false;
  }
}

/**
 * The dictionary is put before the data as blocks that are stored as they are, so that the data's
 * references find it, and is taken off what comes out. What is compressed refers to nothing before
 * it: that is larger, and what every runtime unpacks.
 */
function withoutDictionaries(native: RawDeflate): RawDeflate {
  return {
    deflateRawSync: (content, options) =>
      native.deflateRawSync(content, { ...options, dictionary: NONE }),
    inflateRawSync: (data, options) => {
      const { dictionary } = options;
      const whole = Buffer.concat([toStoredBlock(dictionary), data]);
      const content = native.inflateRawSync(whole, { ...options, dictionary: NONE });
      return content.subarray(dictionary.byteLength);
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
