import type { CheckpointAddress } from "../address/address.ts";
import { readPlainLength } from "../codec/bytes/compression.ts";
import { MAX_GROWN_BYTES } from "../codec/channels/store-pieces.ts";
import { joinLines, splitLines } from "../codec/items/lines.ts";
import { hashInPieces } from "../codec/segments/hash-content.ts";
import type { KnownSegment } from "../codec/segments/known-segment.ts";
import { readContent, readItems } from "../codec/segments/read-segment.ts";
import type { SaverContext } from "../context/context.ts";
import {
  nameWhole,
  parseSegmentId,
  type ContentHash,
  type SegmentId,
} from "../documents/segment-id.ts";
import { CheckpointTooLargeError } from "../errors/checkpoint-too-large-error.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import {
  type Fault,
  asMissing,
  asNotDecodable,
  asTooLarge,
  asWrongHash,
} from "../errors/corruption.ts";
import type { Cache } from "../memory/cache.ts";
import type { CachedSegment } from "../memory/cache-room.ts";
import type { StoredSegment } from "../documents/segment.ts";
import { findSegments } from "../store/find-segments.ts";
import { ContentSize } from "./content-size.ts";

/** Which segments are wanted together, and how their content is to be read. */
export interface WantedSegments {
  /** What they are wanted for. */
  readonly address: CheckpointAddress;
  /** Segments of this package's encoding. */
  readonly lines: readonly SegmentId[];
  /** Segments of a user's serializer, and single values that are too large for their document. */
  readonly bytes: readonly SegmentId[];
}

/** What a segment holds: items of this package's encoding, or any bytes. */
type SegmentContent = { readonly lines: readonly string[] } | { readonly bytes: Uint8Array };

/** Segments at hand for one operation, verified. */
export interface Contents {
  /** The items of a segment. */
  lines(id: SegmentId): readonly string[] | undefined;
  /** The plain content of a segment. */
  bytes(id: SegmentId): Uint8Array | undefined;
  /**
   * All that is known of a segment of items, also what was appended later. Undefined where nothing
   * can be appended, because what was appended later is damaged.
   */
  known(id: SegmentId): KnownSegment | undefined;
  /** Why a wanted segment is not at hand. */
  fault(id: SegmentId): Fault;
}

/**
 * Gets segments from the cache, and all others with one command. Their names tell their lengths, so it
 * is known before how much that will be.
 *
 * @throws CheckpointTooLargeError if segments that are wanted together are longer than `maxContentBytes`
 */
export async function loadContents(
  { store, cache, settings }: Pick<SaverContext, "store" | "cache" | "settings">,
  wanted: readonly WantedSegments[],
): Promise<Contents> {
  const { maxContentBytes } = settings;
  const loader = new Loader(cache, maxContentBytes);
  for (const together of wanted) {
    const bytes = new ContentSize().add(together);
    if (bytes > maxContentBytes) throw tooLargeToLoad(together.address, bytes, maxContentBytes);
    for (const id of together.lines) loader.want(together.address.threadId, id, "lines");
    for (const id of together.bytes) loader.want(together.address.threadId, id, "bytes");
  }
  const { threadIds, roots } = loader.missing;
  for (const stored of await findSegments(store, threadIds, roots)) await loader.take(stored);
  return loader;
}

/** A segment that is not in the cache, and the names under which it is wanted. */
interface MissingSegment {
  readonly threadId: string;
  readonly root: ContentHash;
  readonly kind: "lines" | "bytes";
  readonly ids: Set<SegmentId>;
}

class Loader implements Contents {
  readonly #cache: Cache;
  readonly #maxContentBytes: number;
  readonly #contents = new Map<SegmentId, SegmentContent>();
  readonly #known = new Map<SegmentId, KnownSegment>();
  readonly #faults = new Map<SegmentId, Fault>();
  readonly #missing = new Map<string, MissingSegment>();

  constructor(cache: Cache, maxContentBytes: number) {
    this.#cache = cache;
    this.#maxContentBytes = maxContentBytes;
  }

  lines(id: SegmentId): readonly string[] | undefined {
    const content = this.#contents.get(id);
    if (content === undefined || "lines" in content) return content?.lines;
    return splitLines(content.bytes);
  }

  bytes(id: SegmentId): Uint8Array | undefined {
    const content = this.#contents.get(id);
    // A channel's value and a large pending write may have the same content.
    if (content === undefined || "bytes" in content) return content?.bytes;
    return joinLines(content.lines);
  }

  known(id: SegmentId): KnownSegment | undefined {
    return this.#known.get(id);
  }

  fault(id: SegmentId): Fault {
    return this.#faults.get(id) ?? asMissing();
  }

  get missing(): {
    readonly threadIds: readonly string[];
    readonly roots: readonly ContentHash[];
  } {
    const missing = [...this.#missing.values()];
    return {
      threadIds: [...new Set(missing.map(({ threadId }) => threadId))],
      roots: [...new Set(missing.map(({ root }) => root))],
    };
  }

  want(threadId: string, id: SegmentId, kind: "lines" | "bytes"): void {
    if (this.#contents.has(id)) return;
    const { root } = parseSegmentId(id);
    const cached = this.#cache.getSegment(threadId, root);
    if (cached !== undefined && kind in cached && this.#use(id, cached)) return;
    const key = formatKey(threadId, root);
    const missing = this.#missing.get(key) ?? { threadId, root, kind, ids: new Set<SegmentId>() };
    missing.ids.add(id);
    this.#missing.set(key, missing);
  }

  async take(stored: StoredSegment): Promise<void> {
    const missing = this.#missing.get(formatKey(stored.threadId, stored.root));
    // It belongs to another thread of the same command, and was not asked for there.
    if (missing === undefined) return;
    const segment =
      missing.kind === "lines" && stored.isComplete && stored.fault === undefined
        ? await tryReadItems(stored, this.#longest(missing))
        : undefined;
    for (const id of missing.ids) {
      if (segment !== undefined && this.#use(id, segment)) {
        this.#cache.setSegment(stored.threadId, stored.root, segment);
        continue;
      }
      const verified = await verifySegment(id, stored, this.#maxContentBytes);
      if ("found" in verified) {
        this.#faults.set(id, verified);
      } else {
        this.#contents.set(id, verified);
        if (missing.kind === "bytes" && parseSegmentId(id).appends === 0) {
          this.#cache.setSegment(stored.threadId, stored.root, verified);
        }
      }
    }
  }

  /** The greatest length of a segment that is wanted under these names, with later appends. */
  #longest({ ids }: MissingSegment): number {
    let longest = MAX_GROWN_BYTES;
    for (const id of ids) longest = Math.max(longest, parseSegmentId(id).length);
    return Math.min(longest, this.#maxContentBytes);
  }

  /** Uses a segment under a name, if it holds what the name stands for. */
  #use(id: SegmentId, segment: CachedSegment): boolean {
    if ("bytes" in segment) {
      if (segment.bytes.byteLength !== parseSegmentId(id).length) return false;
      this.#contents.set(id, segment);
      return true;
    }
    const lines = segment.read(parseSegmentId(id));
    if (lines === undefined) return false;
    this.#contents.set(id, { lines });
    this.#known.set(id, segment);
    return true;
  }
}

function tooLargeToLoad(
  address: CheckpointAddress,
  bytes: number,
  limitBytes: number,
): CheckpointTooLargeError {
  return new CheckpointTooLargeError(address, {
    bytes,
    limitBytes,
    largestChannels: [],
    exceeds: "maxContentBytes",
    refused: "loaded",
  });
}

/**
 * Refuses a checkpoint that needs a segment which is not at hand.
 *
 * @throws CorruptCheckpointError always
 */
export function throwFault(address: CheckpointAddress, id: SegmentId, contents: Contents): never {
  throw new CorruptCheckpointError(address, {
    document: "segment",
    which: id,
    ...contents.fault(id),
  });
}

/** The name of a stored segment before anything was appended, if its content is what it should be. */
export function nameStart({ root, packed }: StoredSegment): SegmentId {
  try {
    return nameWhole(root, readPlainLength(packed));
  } catch {
    // It cannot be unpacked, under whichever name.
    return nameWhole(root, 0);
  }
}

/** The content that a stored segment has under a name, or what is wrong with it. */
export async function verifySegment(
  id: SegmentId,
  stored: StoredSegment | undefined,
  maxContentBytes: number,
): Promise<{ readonly bytes: Uint8Array } | Fault> {
  if (stored === undefined) return asMissing();
  if (stored.fault !== undefined) {
    return stored.fault;
  }
  const { appends, hash, length } = parseSegmentId(id);
  if (length > maxContentBytes) {
    return asTooLarge(length, maxContentBytes);
  }
  let bytes: Uint8Array;
  try {
    bytes = await readContent(stored, { appends, length });
  } catch (error) {
    return asNotDecodable(error, "readable content");
  }
  const found = await hashInPieces(bytes);
  return found === hash ? { bytes } : asWrongHash(hash, found);
}

async function tryReadItems(
  stored: StoredSegment,
  maxBytes: number,
): Promise<KnownSegment | undefined> {
  try {
    return await readItems(stored, maxBytes);
  } catch {
    // Each of its names is checked next, which tells what is wrong.
    return undefined;
  }
}

function formatKey(threadId: string, root: ContentHash): string {
  return `${root} ${threadId}`;
}
