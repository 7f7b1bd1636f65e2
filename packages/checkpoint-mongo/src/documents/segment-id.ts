/** The first 160 bits of the SHA-256 of some content, in hex. */
export type ContentHash = string;

/** Bytes of a content hash as it is stored. Every checkpoint names all of its segments, so they count. */
const HASH_BYTES = 20;

/**
 * Names a segment's content, for all time: a segment may be appended to, and a name stands for what
 * it held after so many appends. It is the hash of that content, for a segment that was appended to
 * preceded by where it is found: `root+appends:hash`.
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
}

/** Puts a segment's id together. */
export function formatSegmentId({ root, appends, hash }: SegmentName): SegmentId {
  return appends === 0 ? root : `${root}+${appends}:${hash}`;
}

/** Takes a segment's id apart. */
export function parseSegmentId(id: SegmentId): SegmentName {
  const plus = id.indexOf("+");
  if (plus === -1) return { root: id, appends: 0, hash: id };
  const colon = id.indexOf(":", plus);
  return {
    root: id.slice(0, plus),
    appends: Number(id.slice(plus + 1, colon)),
    hash: id.slice(colon + 1),
  };
}

/** Ids of segments as one run of bytes: the root of each, and its hash too if it was appended to. */
export function joinSegmentIds(segments: readonly SegmentId[]): Uint8Array {
  const hashes = segments.map((id) => {
    const { root, appends, hash } = parseSegmentId(id);
    return appends === 0 ? root : root + hash;
  });
  return Buffer.from(hashes.join(""), "hex");
}

/**
 * The ids in a run of bytes.
 *
 * @param appends how often each segment had been appended to; none where there is no number
 */
export function splitSegmentIds(bytes: Uint8Array, appends: readonly number[]): SegmentId[] {
  const hashes = splitHashes(bytes);
  const ids: SegmentId[] = [];
  let next = 0;
  while (next < hashes.length) {
    const root = hashes[next]!;
    const count = appends[ids.length] ?? 0;
    const hash = count === 0 ? root : hashes[next + 1];
    if (hash === undefined) throw new Error("the last segment's hash is missing");
    ids.push(formatSegmentId({ root, appends: count, hash }));
    next += count === 0 ? 1 : 2;
  }
  return ids;
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
