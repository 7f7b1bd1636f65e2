import { formatSegmentId, type SegmentId } from "../documents/index.ts";
import { packAppended } from "./append-stream.ts";
import { pack, type PackedBytes } from "./compression.ts";
import { lendContent } from "./content-buffer.ts";
import { hashContent } from "./hash-content.ts";
import { KnownSegment } from "./known-segment.ts";
import { joinLines, LINE_BREAK } from "./lines.ts";

/** A segment to store, or what is to be appended to a stored one. Its name says which. */
export interface Segment {
  readonly id: SegmentId;
  /** The items to store; undefined for bytes that a user's serializer made. */
  readonly lines: readonly string[] | undefined;
  /** All that is known of it once it is stored: of its items, or of a serializer's bytes. */
  readonly known: KnownSegment | { readonly bytes: Uint8Array };
  /**
   * Compresses what is to be stored of it, at every call anew: a large state, all of it in this
   * form, would take as much memory once more.
   */
  pack(): PackedBytes;
}

/** A segment of this package's own encoding. */
export interface SegmentOfItems extends Segment {
  readonly lines: readonly string[];
  readonly known: KnownSegment;
}

/** Makes the segment of these items. */
export function createSegment(lines: readonly string[]): SegmentOfItems {
  const id = lendContent(lines, hashContent);
  const known = new KnownSegment(id, lines, [lines.length]);
  return { id, lines, known, pack: () => lendContent(lines, packCopy) };
}

function packCopy(content: Uint8Array): PackedBytes {
  const packed = pack(content);
  return packed.data === content ? { ...packed, data: Buffer.from(content) } : packed;
}

/** Makes a segment of bytes that a user's serializer made. */
export function createSegmentOfBytes(bytes: Uint8Array): Segment {
  return { id: hashContent(bytes), lines: undefined, known: { bytes }, pack: () => pack(bytes) };
}

/** Appends items to a segment that is stored just as it is known. */
export function appendToSegment(known: KnownSegment, lines: readonly string[]): SegmentOfItems {
  const before = joinLines(known.lines);
  const content = Buffer.from(LINE_BREAK + lines.join(LINE_BREAK));
  const hash = hashContent(Buffer.concat([before, content]));
  return {
    id: formatSegmentId({ root: known.root, appends: known.appends + 1, hash }),
    lines,
    known: known.append(lines, hash),
    pack: () => ({
      data: packAppended({ count: lines.length, content }, before),
      compression: "deflate",
    }),
  };
}
