/** The first 160 bits of the SHA-256 of some content, in hex. */
export type ContentHash = string;

/** Stored bytes of a content hash. Few, because every checkpoint names all of its segments. */
const HASH_BYTES = 20;

/**
 * Names the content of a segment after a certain number of appends. Such a name never changes its meaning.
 * It is the hash and the length of that content, `hash/length`. For a segment with appends the place where it
 * is stored comes first: `root+appends:hash/length`.
 */
export type SegmentId = string;

/** The parts of a segment's id. */
export interface SegmentName {
  /** The hash of the content that the segment began with. It is stored under it. */
  readonly root: ContentHash;
  /** How many appends it has in this state. */
  readonly appends: number;
  /** The hash of its content in this state. */
  readonly hash: ContentHash;
  /** The bytes of that content. Longer content is never unpacked under this name. */
  readonly length: number;
}

/** Formats a segment's id. */
export function formatSegmentId({ root, appends, hash, length }: SegmentName): SegmentId {
  return appends === 0 ? `${root}/${length}` : `${root}+${appends}:${hash}/${length}`;
}

/** Parses a segment's id. */
export function parseSegmentId(id: SegmentId): SegmentName {
  const slash = id.indexOf("/");
  const length = Number(id.slice(slash + 1));
  const plus = id.indexOf("+");
  if (plus === -1) {
    const root = id.slice(0, slash);
    return { root, appends: 0, hash: root, length };
  }
  const colon = id.indexOf(":", plus);
  return {
    root: id.slice(0, plus),
    appends: Number(id.slice(plus + 1, colon)),
    hash: id.slice(colon + 1, slash),
    length,
  };
}

/** The id of a segment without appends. */
export function nameWhole(hash: ContentHash, length: number): SegmentId {
  return formatSegmentId({ root: hash, appends: 0, hash, length });
}

/** Joins ids of segments to bytes: the root of each, and its hash too if it has appends. */
export function joinSegmentIds(segments: readonly SegmentId[]): Uint8Array {
  const hashes = segments.map((id) => {
    const { root, appends, hash } = parseSegmentId(id);
    return appends === 0 ? root : root + hash;
  });
  return Buffer.from(hashes.join(""), "hex");
}

/**
 * Splits bytes into ids of segments.
 *
 * @param numbers for each segment its length and how many appends it has (0 if there is no number)
 * @throws Error if the number of lengths differs, or one of them is not a length
 */
export function splitSegmentIds(
  bytes: Uint8Array,
  numbers: { readonly lengths: readonly number[]; readonly appends: readonly number[] },
): SegmentId[] {
  const { lengths, appends } = numbers;
  const hashes = splitHashes(bytes);
  const ids: SegmentId[] = [];
  let next = 0;
  while (next < hashes.length) {
    const root = hashes[next]!;
    const count = appends[ids.length] ?? 0;
    const hash = count === 0 ? root : hashes[next + 1];
    const length = lengths[ids.length];
    if (hash === undefined) throw new Error("the last segment's hash is missing");
    if (!isCount(length) || !isCount(count)) throw new Error("a segment's length is missing");
    ids.push(formatSegmentId({ root, appends: count, hash, length }));
    next += count === 0 ? 1 : 2;
  }
  if (lengths.length > ids.length) throw new Error("a segment's hash is missing");
  return ids;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** All hashes in the bytes of ids of segments, among them all roots. */
export function splitHashes(bytes: Uint8Array): ContentHash[] {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
  const hashes: ContentHash[] = [];
  for (let start = 0; start < hex.length; start += 2 * HASH_BYTES) {
    hashes.push(hex.slice(start, start + 2 * HASH_BYTES));
  }
  return hashes;
}

/** Cuts a SHA-256 in hex to a content hash. */
export function toContentHash(sha256: string): ContentHash {
  return sha256.slice(0, 2 * HASH_BYTES);
}
