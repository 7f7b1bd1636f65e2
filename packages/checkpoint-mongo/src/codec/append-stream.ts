import { constants } from "node:zlib";
import { deflateRawSync, inflateRawSync } from "./raw-deflate.ts";

/** As far as raw deflate can refer back. */
const WINDOW_BYTES = 32_768;

/**
 * As far as an append refers back: to set that up takes most of its time. Twice as far would take half
 * as long again, and finds hardly more in messages.
 */
const WINDOW_BITS = 14;
export const REFERRED_BYTES: number = 2 ** WINDOW_BITS;

/** Ends each part at a whole byte, so that the parts put together are one stream. */
const FINISH_FLUSH = constants.Z_SYNC_FLUSH;

/** What such an end looks like. It is the same for all parts, so it is not stored. */
const FLUSHED = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** One part of what was appended to a segment. */
export interface Appended {
  /** How many items it holds. */
  readonly count: number;
  /** The plain content. */
  readonly content: Uint8Array;
}

/**
 * Packs what is appended to a segment: the number of items as LEB128, then its part of a raw deflate
 * stream, which may refer back to the content before.
 */
export function packAppended({ count, content }: Appended, before: Uint8Array): Uint8Array {
  const deflated = deflateRawSync(content, {
    dictionary: before.subarray(-REFERRED_BYTES),
    finishFlush: FINISH_FLUSH,
    windowBits: WINDOW_BITS,
    memLevel: 6,
    chunkSize: 4_096,
  });
  return Buffer.concat([encodeCount(count), deflated.subarray(0, -FLUSHED.byteLength)]);
}

/** What was appended to a segment, unpacked. */
export interface UnpackedAppends {
  readonly content: Uint8Array;
  /** How many items each part holds. */
  readonly counts: readonly number[];
}

/**
 * Unpacks all that was appended to a segment, at once.
 *
 * @param before the content that the first part was appended to
 * @throws Error if it is damaged
 */
export function unpackAppends(parts: readonly Uint8Array[], before: Uint8Array): UnpackedAppends {
  const read = parts.map(readCount);
  const stream = Buffer.concat(read.flatMap(({ rest }) => [rest, FLUSHED]));
  return {
    content: inflateRawSync(stream, {
      dictionary: before.subarray(-WINDOW_BYTES),
      finishFlush: FINISH_FLUSH,
    }),
    counts: read.map(({ count }) => count),
  };
}

function encodeCount(count: number): Uint8Array {
  const bytes: number[] = [];
  let left = count;
  while (left >= 0x80) {
    bytes.push((left & 0x7f) | 0x80);
    left >>>= 7;
  }
  return Uint8Array.from([...bytes, left]);
}

function readCount(part: Uint8Array): { readonly count: number; readonly rest: Uint8Array } {
  let count = 0;
  let shift = 0;
  for (let index = 0; index < part.byteLength; index += 1) {
    const byte = part[index]!;
    count |= (byte & 0x7f) << shift;
    shift += 7;
    if (byte < 0x80) return { count, rest: part.subarray(index + 1) };
  }
  throw new Error("the number of appended items has no end");
}
