import {
  formatSegmentId,
  type ContentHash,
  type SegmentId,
  type SegmentName,
} from "../documents/index.ts";
import { hashContent } from "./hash-content.ts";
import { joinLines } from "./lines.ts";

/** What follows a segment, as it was at one time, in its later form. */
export interface NextAppend {
  readonly id: SegmentId;
  readonly lines: readonly string[];
}

/** A segment of items as far as it is known here, with all that was appended so far. */
export class KnownSegment {
  readonly root: ContentHash;
  /** All of its items. */
  readonly lines: readonly string[];
  /** How many items it had at first, and after each append. */
  readonly counts: readonly number[];
  /** Hashes of its content at those times, where they have been asked for. */
  readonly #hashes: Map<number, ContentHash>;

  constructor(
    root: ContentHash,
    lines: readonly string[],
    counts: readonly number[],
    hash: ContentHash = root,
  ) {
    this.root = root;
    this.lines = lines;
    this.counts = counts;
    this.#hashes = new Map([[counts.length - 1, hash]]);
  }

  /** How often it has been appended to. */
  get appends(): number {
    return this.counts.length - 1;
  }

  /** The items it had under a name, or undefined if that name does not stand for any of its states. */
  read({ appends, hash }: SegmentName): readonly string[] | undefined {
    if (this.#hashAfter(appends) !== hash) return undefined;
    const count = this.counts[appends]!;
    return count === this.lines.length ? this.lines : this.lines.slice(0, count);
  }

  /** What was appended after the state that a name stands for; undefined if that is the latest. */
  next({ appends }: SegmentName): NextAppend | undefined {
    const hash = this.#hashAfter(appends + 1);
    if (hash === undefined) return undefined;
    return {
      id: formatSegmentId({ root: this.root, appends: appends + 1, hash }),
      lines: this.lines.slice(this.counts[appends], this.counts[appends + 1]),
    };
  }

  /** The segment as it is after these items were appended. */
  append(lines: readonly string[], hash: ContentHash): KnownSegment {
    const all = [...this.lines, ...lines];
    return new KnownSegment(this.root, all, [...this.counts, all.length], hash);
  }

  #hashAfter(appends: number): ContentHash | undefined {
    const known = this.#hashes.get(appends);
    const count = this.counts[appends];
    if (known !== undefined || count === undefined) return known;
    const hash = hashContent(joinLines(this.lines.slice(0, count)));
    this.#hashes.set(appends, hash);
    return hash;
  }
}
