import { formatSegmentId, type SegmentId } from "../documents/index.ts";
import { packAppended } from "./append-stream.ts";
import { pack, type PackedBytes } from "./compression.ts";
import { hashContent } from "./hash-content.ts";
import { KnownSegment } from "./known-segment.ts";
import { joinLines, LINE_BREAK } from "./lines.ts";

/** A segment to store, or what is to be appended to a stored one. Its name says which. */
export interface Segment {
  readonly id: SegmentId;
  /** The plain content to store, UTF-8: all of it, or what is appended. */
  readonly content: Uint8Array;
  /** The items in the content; undefined for bytes that a user's serializer made. */
  readonly lines: readonly string[] | undefined;
  /** Of a segment that is appended to: the content before. */
  readonly before?: Uint8Array;
  /** All that is known of the segment once it is stored; undefined for a serializer's bytes. */
  readonly known: KnownSegment | undefined;
}

/** Makes the segment of these items. */
export function createSegment(lines: readonly string[]): Segment {
  const content = joinLines(lines);
  const id = hashContent(content);
  return { id, content, lines, known: new KnownSegment(id, lines, [lines.length]) };
}

/** Makes a segment of bytes that a user's serializer made. */
export function createSegmentOfBytes(content: Uint8Array): Segment {
  return { id: hashContent(content), content, lines: undefined, known: undefined };
}

/** Appends items to a segment that is stored just as it is known. */
export function appendToSegment(known: KnownSegment, lines: readonly string[]): Segment {
  const before = joinLines(known.lines);
  const content = Buffer.from(LINE_BREAK + lines.join(LINE_BREAK));
  const hash = hashContent(Buffer.concat([before, content]));
  return {
    id: formatSegmentId({ root: known.root, appends: known.appends + 1, hash }),
    content,
    lines,
    before,
    known: known.append(lines, hash),
  };
}

/** Compresses what is to be stored of a segment. */
export function packSegment({ content, lines, before }: Segment): PackedBytes {
  if (before === undefined || lines === undefined) return pack(content);
  return { data: packAppended({ count: lines.length, content }, before), compression: "deflate" };
}
