import type { SegmentId } from "../../documents/segment-id.ts";
import type { SegmentSlice } from "../../documents/manifest.ts";

/**
 * Slices as numbers, three for each: the number of the segment and the first item, both as the difference to
 * the slice before the last, and the number of items, or 0 for all up to the end of the segment.
 *
 * The slices of an edited list alternate between old items and replacements. So these differences are small
 * and alike, and compress well.
 */
export function encodeSlices(
  slices: readonly SegmentSlice[],
  numberOf: (segment: SegmentId) => number,
): number[] {
  return slices.flatMap(({ segment, from, to }, index) => {
    const earlier = slices[index - 2];
    return [
      numberOf(segment) - (earlier === undefined ? 0 : numberOf(earlier.segment)),
      from - (earlier?.from ?? 0),
      to === undefined ? 0 : to - from,
    ];
  });
}

/** Reads what {@link encodeSlices} wrote. */
export function decodeSlices(
  numbers: readonly number[],
  segmentOf: (number: number) => SegmentId,
): SegmentSlice[] {
  const starts: { readonly number: number; readonly from: number }[] = [];
  const slices: SegmentSlice[] = [];
  for (let index = 0; index < numbers.length; index += 3) {
    const [segment, first, items] = numbers.slice(index, index + 3) as [number, number, number];
    const earlier = starts.at(-2);
    const number = segment + (earlier?.number ?? 0);
    const from = first + (earlier?.from ?? 0);
    starts.push({ number, from });
    slices.push({ segment: segmentOf(number), from, to: items === 0 ? undefined : from + items });
  }
  return slices;
}
