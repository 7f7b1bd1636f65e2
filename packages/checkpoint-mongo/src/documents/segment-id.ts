/** The first 160 bits of the SHA-256 of some content, in hex. */
export type ContentHash = string;

/** Bytes of a content hash as it is stored. Every checkpoint names all of its segments, so they count. */
const HASH_BYTES = 20;

/**
 * Names a segment's content, for all time: a segment may be appended to, and a name stands for what
 * it held after so many appends. It is the hash of that content and its length, `hash/length`, for a
 * segment that was appended to preceded by where it is found: `root+appends:hash/length`.
 */
export type SegmentId = string;

/** What a segment's id says. */
export interface SegmentName {
  /** The hash of the content that the segment began with, under which it is stored. */
  readonly root: ContentHash;
  /** How often it had been appended to. */
  readonly appends: number;
  /** The hash of all its content at that time. */
  readonly hash: ContentHash;
  /** How many bytes that content has. Nothing longer is ever unpacked under this name. */
  readonly length: number;
}

/** Puts a segment's id together. */
export function formatSegmentId({ root, appends, hash, length }: SegmentName): SegmentId {
  return appends === 0 ? `${root}/${length}` : `${root}+${appends}:${hash}/${length}`;
}

/** Takes a segment's id apart. */
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

/** The id of a segment as it began, or of one that is never appended to. */
export function nameWhole(hash: ContentHash, length: number): SegmentId {
  return formatSegmentId({ root: hash, appends: 0, hash, length });
}

/** Ids of segments as one run of bytes: the root of each, and its hash too if it was appended to. */
export function joinSegmentIds(segments: readonly SegmentId[]): Uint8Array {
  const hashes = segments.map((id) => {
    const { root, appends, hash } = parseSegmentId(id);
    return appends === 0 ? root : root + hash;
  });
  return Buffer.from(hashes.join(""), "hex");
}

/** What a checkpoint's text says of each of the segments that it names. */
export interface SegmentNumbers {
  readonly lengths: readonly number[];
  /** How often each had been appended to; none where there is no number. */
  readonly appends: readonly number[];
}

/**
 * The ids in a run of bytes.
 *
 * @throws Error if there are not as many lengths, or one of them is none
 */
export function splitSegmentIds(
  bytes: Uint8Array,
  { lengths, appends }: SegmentNumbers,
): SegmentId[] {
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

/** All hashes in a run of bytes that holds ids of segments, the roots among them. */
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
