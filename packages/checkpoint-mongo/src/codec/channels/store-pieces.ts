import { parseSegmentId, type SegmentId } from "../../documents/segment-id.ts";
import type { SegmentSlice } from "../../documents/manifest.ts";
import { breather } from "../../event-loop/breather.ts";
import type { KnownSegment } from "../segments/known-segment.ts";
import { chainLines, measureLines } from "../items/lines.ts";
import type { FindKnown, Piece, PlannedSlices } from "./pieces.ts";
import { appendToSegment, createSegment, type Segment } from "../segments/segment.ts";

/** New items are cut into segments of about this size, so that reading a slice stays cheap. */
export const MAX_SEGMENT_BYTES = 1_048_576;

/**
 * A segment is appended to until it has about this size. With a larger size there would be fewer segments to
 * name and read, but the server reads and writes the whole document at each append.
 */
const MAX_APPENDED_BYTES = 131_072;

/** The longest a segment can get by appends: the measure above counts a character of three bytes as one. */
export const MAX_GROWN_BYTES: number = 3 * MAX_APPENDED_BYTES;

/** The number of appends is limited too: each takes a few further bytes in the document. */
const MAX_APPENDS = 256;

/**
 * Turns pieces into slices. New items, wherever they are in the value, are appended to one of its segments
 * that is not full and has not been appended to by another branch. If there is none, they make new segments.
 */
export async function storePieces(
  pieces: readonly Piece[],
  findKnown: FindKnown,
): Promise<PlannedSlices> {
  const added = chainLines(pieces.filter(isNew).map(({ lines }) => lines));
  const { segments, renamed, places } =
    added.length === 0 ? NOTHING : (append(added, pieces, findKnown) ?? (await create(added)));
  const sizes = new Map(places.map(({ segment, to }) => [segment, to]));
  const sizeOf = (id: SegmentId) =>
    sizes.get(id) ?? findKnown(id)?.counts[parseSegmentId(id).appends];
  const slices: OpenSlice[] = [];
  const unused = [...places];
  for (const { lines, stored } of pieces) {
    if (stored === undefined) {
      for (const place of takeItems(unused, lines.length)) addSlice(slices, place);
    } else {
      const segment = stored.segment === renamed?.before ? renamed.after : stored.segment;
      addSlice(slices, { segment, from: stored.from, to: stored.from + lines.length });
    }
  }
  return {
    slices: slices.map(({ segment, from, to }): SegmentSlice => ({
      segment,
      from,
      to: to === sizeOf(segment) ? undefined : to,
    })),
    segments,
  };
}

function isNew({ stored }: Piece): boolean {
  return stored === undefined;
}

/** A slice whose end is a number, even if it is the end of the segment. */
interface OpenSlice {
  readonly segment: SegmentId;
  readonly from: number;
  readonly to: number;
}

/** Where new items are going to be. */
interface PlacedItems {
  readonly segments: readonly Segment[];
  /** The names of a segment before and after it is appended to. */
  readonly renamed: { readonly before: SegmentId; readonly after: SegmentId } | undefined;
  /** The slices that hold the items, in order. */
  readonly places: readonly OpenSlice[];
}

const NOTHING: PlacedItems = { segments: [], renamed: undefined, places: [] };

/** Appends items to the last of the value's segments that can take them. */
function append(
  lines: readonly string[],
  pieces: readonly Piece[],
  findKnown: FindKnown,
): PlacedItems | undefined {
  const candidates = new Set(pieces.map(({ stored }) => stored?.segment).toReversed());
  for (const before of candidates) {
    const known = before === undefined ? undefined : findKnown(before);
    if (before === undefined || known === undefined) continue;
    const name = parseSegmentId(before);
    const next = known.next(name);
    const segment =
      next === undefined && hasRoom(known, lines) ? appendToSegment(known, lines) : undefined;
    // Another put has appended the same items already: an earlier attempt, or a branch with the same
    // continuation. The segment is named without being stored; the caller checks that the server has it.
    const after = segment?.id ?? (next && isSame(next.lines, lines) ? next.id : undefined);
    const from = known.counts[name.appends];
    if (after === undefined || from === undefined) continue;
    return {
      segments: segment === undefined ? [] : [segment],
      renamed: { before, after },
      places: [{ segment: after, from, to: from + lines.length }],
    };
  }
  return undefined;
}

function hasRoom(known: KnownSegment, lines: readonly string[]): boolean {
  return (
    known.appends < MAX_APPENDS &&
    // Many items are not measured at once.
    lines.length <= MAX_APPENDED_BYTES &&
    known.size + measureLines(lines) <= MAX_APPENDED_BYTES
  );
}

async function create(lines: readonly string[]): Promise<PlacedItems> {
  const segments: Segment<KnownSegment>[] = [];
  for (const run of cutRuns(lines)) {
    const segment = await createSegment(run);
    segments.push(segment);
    if (breather.isDue(segment.known.size)) await breather.rest();
  }
  return {
    segments,
    renamed: undefined,
    places: segments.map(({ id, known }) => ({ segment: id, from: 0, to: known.lines.length })),
  };
}

/** Takes so many items from the beginning of a list of slices. */
function takeItems(places: OpenSlice[], count: number): OpenSlice[] {
  const taken: OpenSlice[] = [];
  let left = count;
  while (left > 0) {
    const { segment, from, to } = places.shift()!;
    const end = Math.min(to, from + left);
    taken.push({ segment, from, to: end });
    if (end < to) places.unshift({ segment, from: end, to });
    left -= end - from;
  }
  return taken;
}

/** Adds a slice; joins it to the last one if it continues that one. */
function addSlice(slices: OpenSlice[], slice: OpenSlice): void {
  const last = slices.at(-1);
  if (last !== undefined && last.segment === slice.segment && last.to === slice.from) {
    slices[slices.length - 1] = { ...last, to: slice.to };
  } else {
    slices.push(slice);
  }
}

function isSame(lines: readonly string[], others: readonly string[]): boolean {
  return lines.length === others.length && lines.every((line, index) => line === others[index]);
}

function* cutRuns(lines: readonly string[]): Generator<readonly string[]> {
  let start = 0;
  let bytes = 0;
  for (let index = 0; index < lines.length; index += 1) {
    const size = lines[index]!.length + 1;
    if (index > start && bytes + size > MAX_SEGMENT_BYTES) {
      yield lines.slice(start, index);
      start = index;
      bytes = 0;
    }
    bytes += size;
  }
  if (start < lines.length) yield lines.slice(start);
}
