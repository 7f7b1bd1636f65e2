import { constants } from "node:zlib";
import { encodeNumber, readNumber } from "../bytes/leb128.ts";
import { deflateRaw, inflateRaw } from "../bytes/raw-deflate.ts";

/** How far raw deflate can refer back. */
const WINDOW_BYTES = 32_768;

/**
 * How far an append refers back, as a power of two. Setting that up takes most of the time of an append:
 * twice as far would take half as long again, and finds hardly more in messages.
 */
const WINDOW_BITS = 14;
export const REFERRED_BYTES: number = 2 ** WINDOW_BITS;

/** Ends each part at a whole byte, so that the joined parts are one stream. */
const FINISH_FLUSH = constants.Z_SYNC_FLUSH;

/** The bytes of such an end. They are the same for all parts, so they are not stored. */
const FLUSHED = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/**
 * An empty last block (RFC 1951, 3.2.4). It is read as such only if the part before it ended at a whole byte,
 * so parts that are appended later can be read too.
 */
const LAST_BLOCK = Buffer.from([0x01, 0x00, 0x00, 0xff, 0xff]);

/**
 * Packs an append to a segment: its plain length as LEB128, then its part of a raw deflate stream, which may
 * refer back to the content before.
 */
export function packAppended(content: Uint8Array, before: Uint8Array): Uint8Array {
  const deflated = deflateRaw(content, {
    dictionary: before.subarray(-REFERRED_BYTES),
    finishFlush: FINISH_FLUSH,
    windowBits: WINDOW_BITS,
    memLevel: 6,
    chunkSize: 4_096,
  });
  const length = encodeNumber(content.byteLength);
  return Buffer.concat([length, deflated.subarray(0, -FLUSHED.byteLength)]);
}

/** The plain length of an append, as its part says. */
export function readAppendedLength(part: Uint8Array): number {
  return readNumber(part).number;
}

/**
 * Unpacks all appends of a segment at once.
 *
 * @param before the content that the first part was appended to
 * @throws Error if they are damaged, or do not have exactly the length that the parts say
 */
export function unpackAppends(parts: readonly Uint8Array[], before: Uint8Array): Uint8Array {
  const read = parts.map(readNumber);
  return inflateRaw(Buffer.concat([...read.flatMap(({ rest }) => [rest, FLUSHED]), LAST_BLOCK]), {
    dictionary: before.subarray(-WINDOW_BYTES),
    length: read.reduce((sum, { number }) => sum + number, 0),
  });
}
