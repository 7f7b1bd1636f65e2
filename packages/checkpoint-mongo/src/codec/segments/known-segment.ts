// Not by name: see check-node.ts.
import crypto, { type Hash } from "node:crypto";
import {
  formatSegmentId,
  toContentHash,
  type ContentHash,
  type SegmentId,
  type SegmentName,
} from "../../documents/segment-id.ts";
import { hashContent } from "./hash-content.ts";
import { joinLines, measureLines } from "../items/lines.ts";
import { isWide } from "../texts/text-memory.ts";

/** What was appended next to a segment after one of its states. */
export interface NextAppend {
  readonly id: SegmentId;
  readonly lines: readonly string[];
}

/** How a segment grew. */
export type Growth = Pick<KnownSegment, "counts" | "lengths">;

/** About how much memory a line takes besides its characters. */
const LINE_BYTES = 40;

/** About how much memory each state takes: its counts of items and bytes, and its hash. */
const STATE_BYTES = 120;

/** About how much memory an unfinished hash takes. */
const HASHING_BYTES = 1_024;

/** A segment of items as this process knows it, with all appends so far. */
export class KnownSegment {
  readonly root: ContentHash;
  /** All of its items. */
  readonly lines: readonly string[];
  /** How many items it had at first, and after each append. */
  readonly counts: readonly number[];
  /** How many bytes its content had at those times. */
  readonly lengths: readonly number[];
  /** About how many bytes its content has: characters count as one byte. */
  readonly size: number;
  /** Hashes of its content at those times, where they have been asked for. */
  readonly #hashes: Map<number, ContentHash>;
  /** Whether its characters take two bytes each; undefined until it is asked for. */
  #isWide: boolean | undefined;
  /** The unfinished hash of all of its content, to continue at the next append. */
  #hashing: Hash | undefined;

  constructor(
    root: ContentHash,
    lines: readonly string[],
    { counts, lengths }: Growth,
    hash: ContentHash = root,
    size: number = measureLines(lines),
  ) {
    this.root = root;
    this.lines = lines;
    this.counts = counts;
    this.lengths = lengths;
    this.size = size;
    this.#hashes = new Map([[counts.length - 1, hash]]);
  }

  /** How often it has been appended to. */
  get appends(): number {
    return this.counts.length - 1;
  }

  /** Memory that it takes, about. */
  get memoryBytes(): number {
    const characters = this.isWide ? 2 * this.size : this.size;
    const rest = LINE_BYTES * this.lines.length + STATE_BYTES * this.counts.length;
    return characters + rest + (this.#hashing ? HASHING_BYTES : 0);
  }

  /** Whether its characters take two bytes each in memory: if one is beyond Latin-1, all of them do. */
  get isWide(): boolean {
    // As many bytes as characters and line breaks means that all of it is ASCII.
    const isAscii = this.size - 1 === this.lengths.at(-1);
    return (this.#isWide ??= !isAscii && this.lines.some(isWide));
  }

  /** The name of its present state. */
  get name(): SegmentName {
    return this.#nameAfter(this.appends)!;
  }

  /** The items of the state with this name; undefined if it has no such state. */
  read({ appends, hash, length }: SegmentName): readonly string[] | undefined {
    if (this.lengths[appends] !== length || this.#hashAfter(appends) !== hash) return undefined;
    const count = this.counts[appends]!;
    return count === this.lines.length ? this.lines : this.lines.slice(0, count);
  }

  /** What was appended after the state with this name; undefined if that is the latest. */
  next({ appends }: SegmentName): NextAppend | undefined {
    const name = this.#nameAfter(appends + 1);
    if (name === undefined) return undefined;
    return {
      id: formatSegmentId(name),
      lines: this.lines.slice(this.counts[appends], this.counts[appends + 1]),
    };
  }

  /**
   * The segment after an append.
   *
   * @param content the same items, as the bytes that continue the content
   */
  append(lines: readonly string[], content: Uint8Array): KnownSegment {
    const hashing =
      this.#hashing?.copy() ?? crypto.createHash("sha256").update(joinLines(this.lines));
    const hash = toContentHash(hashing.update(content).copy().digest("hex"));
    const all = [...this.lines, ...lines];
    const growth = {
      counts: [...this.counts, all.length],
      lengths: [...this.lengths, this.lengths.at(-1)! + content.byteLength],
    };
    const appended = new KnownSegment(
      this.root,
      all,
      growth,
      hash,
      this.size + measureLines(lines),
    );
    appended.#hashing = hashing;
    appended.#isWide = this.isWide || lines.some(isWide);
    return appended;
  }

  /** The last bytes of its content, or all if it is shorter. */
  readEnd(bytes: number): Uint8Array {
    let first = this.lines.length;
    for (let size = 0; first > 0 && size <= bytes;) {
      first -= 1;
      size += this.lines[first]!.length + 1;
    }
    return joinLines(this.lines.slice(first)).subarray(-bytes);
  }

  #nameAfter(appends: number): SegmentName | undefined {
    const hash = this.#hashAfter(appends);
    const length = this.lengths[appends];
    return hash === undefined || length === undefined
      ? undefined
      : { root: this.root, appends, hash, length };
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
