import type { PackedBytes } from "../../documents/packed-bytes.ts";
import type { SegmentName } from "../../documents/segment-id.ts";
import type { StoredSegment } from "../../documents/segment.ts";
import { readAppendedLength, unpackAppends } from "./append-stream.ts";
import { breather } from "../../event-loop/breather.ts";
import { readPlainLength, unpackAside } from "../bytes/compression.ts";
import { hashInPieces } from "./hash-content.ts";
import { KnownSegment } from "./known-segment.ts";
import { LINE_BREAK, splitLines } from "../items/lines.ts";

/**
 * The plain content of a segment after so many appends. Content of another length is not unpacked.
 *
 * @throws Error if it is damaged, or had not been appended to that often
 */
export async function readContent(
  { packed, more }: Pick<StoredSegment, "packed" | "more">,
  { appends, length }: Pick<SegmentName, "appends" | "length">,
): Promise<Uint8Array> {
  if (more.length < appends) throw new Error(`it has been appended to ${more.length} times only`);
  const lengths = measureStates(packed, more.slice(0, appends));
  if (lengths[appends] !== length) {
    throw new Error(`it has ${lengths[appends]} bytes unpacked instead of ${length}`);
  }
  const first = await unpackAside(packed, lengths[0]!);
  if (appends === 0) return first;
  return Buffer.concat([first, unpackAppends(more.slice(0, appends), first)]);
}

/**
 * Reads a segment of items with all appends. Its content is verified when it is asked for by name.
 *
 * @param maxBytes longer content is not unpacked
 * @throws Error if it is damaged or longer
 */
export async function readItems(
  { root, packed, more }: Pick<StoredSegment, "root" | "packed" | "more">,
  maxBytes: number,
): Promise<KnownSegment> {
  const lengths = measureStates(packed, more);
  const length = lengths.at(-1)!;
  if (length > maxBytes)
    throw new Error(`it has ${length} bytes unpacked, and may have ${maxBytes}`);
  const first = await unpackAside(packed, lengths[0]!);
  if (more.length === 0) {
    const hash = await hashInPieces(first);
    const lines = splitLines(first);
    if (breather.isDue(first.byteLength)) await breather.rest();
    return new KnownSegment(root, lines, { counts: [lines.length], lengths }, hash);
  }
  const content = Buffer.concat([first, unpackAppends(more, first)]);
  const lines = splitLines(content);
  const counts = countItems(content, lengths);
  return new KnownSegment(root, lines, { counts, lengths }, await hashInPieces(content));
}

/** How long the content was at first, and after each append, as the bytes themselves say. */
function measureStates(packed: PackedBytes, more: readonly Uint8Array[]): readonly number[] {
  const lengths = [readPlainLength(packed)];
  for (const part of more) lengths.push(lengths.at(-1)! + readAppendedLength(part));
  return lengths;
}

const LINE_BREAK_BYTE = LINE_BREAK.charCodeAt(0);

/** How many items the content had at first, and after each append. */
function countItems(content: Buffer, lengths: readonly number[]): readonly number[] {
  const counts: number[] = [];
  let count = 1;
  let at = 0;
  for (const [appends, length] of lengths.entries()) {
    if (appends > 0 && content[at] !== LINE_BREAK_BYTE) {
      throw new Error("what was appended does not begin with an item of its own");
    }
    for (;;) {
      const next = content.indexOf(LINE_BREAK_BYTE, at);
      if (next === -1 || next >= length) break;
      count += 1;
      at = next + 1;
    }
    at = length;
    counts.push(count);
  }
  return counts;
}
