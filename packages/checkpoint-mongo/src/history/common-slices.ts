import { isDeepStrictEqual } from "node:util";
import type { ChannelManifest, SegmentSlice } from "../documents/manifest.ts";

/** Two lists without the slices that both begin or end with. */
export class CommonSlices {
  readonly before: ChannelManifest;
  readonly after: ChannelManifest;
  /** Whether both end with the same items, which are left out. */
  readonly hasCommonEnd: boolean;

  private constructor(
    before: readonly SegmentSlice[],
    after: readonly SegmentSlice[],
    hasCommonEnd: boolean,
  ) {
    // Of what a snapshot of a delta channel holds, only the items are compared.
    this.before = { kind: "list", slices: before };
    this.after = { kind: "list", slices: after };
    this.hasCommonEnd = hasCommonEnd;
  }

  /** @returns undefined if one of them is no list that is made of slices */
  static find(before: ChannelManifest, after: ChannelManifest): CommonSlices | undefined {
    if (!isSlicedList(before) || !isSlicedList(after)) return undefined;
    const a = [...before.slices];
    const b = [...after.slices];
    while (isSame(a[0], b[0])) {
      a.shift();
      b.shift();
    }
    let hasCommonEnd = false;
    while (isSame(a.at(-1), b.at(-1))) {
      a.pop();
      b.pop();
      hasCommonEnd = true;
    }
    return new CommonSlices(a, b, hasCommonEnd);
  }
}

type SlicedList = Extract<ChannelManifest, { readonly slices: readonly SegmentSlice[] }>;

function isSlicedList(channel: ChannelManifest): channel is SlicedList {
  return channel.kind === "list" && (channel.wrapper ?? "delta") === "delta";
}

function isSame(a: SegmentSlice | undefined, b: SegmentSlice | undefined): boolean {
  return a !== undefined && isDeepStrictEqual(a, b);
}
