import type { ContentHash } from "../documents/index.ts";
import { unpackAppends } from "./append-stream.ts";
import { breather } from "../event-loop/breather.ts";
import { unpackAside, type PackedBytes } from "./compression.ts";
import { hashInPieces } from "./hash-content.ts";
import { KnownSegment } from "./known-segment.ts";
import { splitLines } from "./lines.ts";

/** A segment as it is stored. */
export interface PackedSegment {
  readonly root: ContentHash;
  readonly packed: PackedBytes;
  /** What was appended, part by part. */
  readonly more: readonly Uint8Array[];
}

/**
 * The plain content that a segment had after so many appends.
 *
 * @throws Error if it is damaged, or had not been appended to that often
 */
export async function readContent(
  { packed, more }: PackedSegment,
  appends: number,
): Promise<Uint8Array> {
  if (more.length < appends) throw new Error(`it has been appended to ${more.length} times only`);
  const first = await unpackAside(packed);
  if (appends === 0) return first;
  return Buffer.concat([first, unpackAppends(more.slice(0, appends), first).content]);
}

/**
 * Reads a segment of items with all that was appended to it. What it holds is verified when it is
 * asked for by name.
 *
 * @throws Error if it is damaged
 */
export async function readItems({ root, packed, more }: PackedSegment): Promise<KnownSegment> {
  const first = await unpackAside(packed);
  if (more.length === 0) {
    const hash = await hashInPieces(first);
    const lines = splitLines(first);
    if (breather.isDue(first.byteLength)) await breather.rest();
    return new KnownSegment(root, lines, [lines.length], hash);
  }
  const appended = unpackAppends(more, first);
  const content = Buffer.concat([first, appended.content]);
  const lines = splitLines(content);
  const counts = [lines.length - appended.counts.reduce((sum, count) => sum + count, 0)];
  for (const count of appended.counts) counts.push(counts.at(-1)! + count);
  return new KnownSegment(root, lines, counts, await hashInPieces(content));
}
