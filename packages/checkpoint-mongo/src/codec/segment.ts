import { createHash } from "node:crypto";
import { SEGMENT_ID_BYTES, type SegmentId } from "../documents/manifest.ts";

/**
 * An immutable, content-addressed run of encoded items. The items are single lines (JSON text has
 * no raw line breaks), so the content is their lines joined.
 */
export interface Segment {
  readonly id: SegmentId;
  /** The plain content, UTF-8. */
  readonly content: Uint8Array;
  /** The items; undefined for bytes that a user's serializer made. */
  readonly lines: readonly string[] | undefined;
}

const LINE_BREAK = "\n";

/** Makes the segment of these items. */
export function createSegment(lines: readonly string[]): Segment {
  const content = Buffer.from(lines.join(LINE_BREAK));
  return { id: hashContent(content), content, lines };
}

/** Makes a segment of bytes that a user's serializer made. */
export function createSegmentOfBytes(content: Uint8Array): Segment {
  return { id: hashContent(content), content, lines: undefined };
}

/** The items of a segment. */
export function splitLines(content: Uint8Array): string[] {
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength)
    .toString()
    .split(LINE_BREAK);
}

/** The id that content must have. */
export function hashContent(content: Uint8Array): SegmentId {
  const hash = createHash("sha256").update(content).digest("hex");
  return hash.slice(0, 2 * SEGMENT_ID_BYTES);
}
