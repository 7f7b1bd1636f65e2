import { LRUCache } from "lru-cache";
import { LineShadows, type KnownSegment } from "../codec/index.ts";
import { listSegments } from "../documents/index.ts";
import type { HashedWrite } from "../integrity/hashes.ts";
import type { PlacedCheckpoint, ThreadState } from "../store/index.ts";
import type { CheckpointRecord } from "./checkpoint-record.ts";
import type { Moment } from "./elapsed.ts";

/** The latest checkpoint of a namespace, as far as this process knows. */
export interface KnownHead {
  /** Undefined if there is no checkpoint. */
  readonly latest: PlacedCheckpoint | undefined;
  /** Others that are still marked as the latest. */
  readonly stale: readonly PlacedCheckpoint[];
  /** The life of the thread that it belongs to; each counts its places from 1. */
  readonly epoch: number;
}

/** What a segment holds: items of this package's encoding, or bytes of a user's serializer. */
export type CachedSegment = KnownSegment | { readonly bytes: Uint8Array };

/** A set of pending writes that was verified. */
export interface VerifiedWrites {
  readonly writes: readonly HashedWrite[];
}

/** A checkpoint and when it was stored or read. */
export interface CachedRecord {
  readonly record: CheckpointRecord;
  readonly since: Moment;
  /** The tasks that this process has stored writes of, if it has put the checkpoint itself. */
  readonly tasks: Set<string> | undefined;
}

/** A thread's state is asked for again after this time, in case it was deleted elsewhere. */
const THREAD_MAX_AGE_MS = 10 * 60 * 1_000;
const MAX_THREADS = 10_000;
const MAX_HEADS = 10_000;

/** So much of the memory is left for shadows, however much else there is to remember. */
const MIN_SHADOWS_SHARE = 1 / 8;

/** Memory that an entry takes besides its content, about. */
const ENTRY_BYTES = 200;

/**
 * The memory of all savers of a client that name the same bound, whatever database they are on: what
 * they keep together stays below it. It takes room for what it holds and no more.
 */
export class CacheRoom {
  readonly maxBytes: number;
  /** Lines of the segments as values are compared with them, in the memory that is left. */
  readonly shadows: LineShadows;
  readonly content: LRUCache<string, CachedSegment | CachedRecord | VerifiedWrites>;
  readonly heads: LRUCache<string, KnownHead>;
  readonly threads: LRUCache<string, ThreadState>;
  /** Threads that are just being opened. */
  readonly opening: Map<string, Promise<ThreadState>>;
  hits = 0;
  misses = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
    this.opening = new Map();
    this.heads = new LRUCache({ ...count(MAX_HEADS) });
    this.threads = new LRUCache({ ...count(MAX_THREADS), ttl: THREAD_MAX_AGE_MS });
    const maxSize = Math.ceil(maxBytes * (1 - MIN_SHADOWS_SHARE));
    this.content = new LRUCache({ maxSize, sizeCalculation: measure });
    this.shadows = new LineShadows(maxBytes);
  }

  keep(key: string, entry: CachedSegment | CachedRecord | VerifiedWrites): void {
    this.content.set(key, entry);
    // What was read would have to be read again, shadows are made from it at any time.
    this.shadows.limit(this.maxBytes - this.content.calculatedSize);
  }
}

/** Bounds how many entries there are. By `max` the room for all of them would be taken at once. */
function count(entries: number): { maxSize: number; sizeCalculation: () => number } {
  return { maxSize: entries, sizeCalculation: () => 1 };
}

function measure(entry: CachedSegment | CachedRecord | VerifiedWrites): number {
  if ("bytes" in entry) return ENTRY_BYTES + entry.bytes.byteLength;
  if ("lines" in entry) return ENTRY_BYTES + entry.memoryBytes;
  if ("writes" in entry) {
    return entry.writes.reduce((bytes, { value }) => bytes + ENTRY_BYTES + value.byteLength, 0);
  }
  const { manifest, metadata } = entry.record;
  let bytes = ENTRY_BYTES * (1 + manifest.size + listSegments(manifest).length);
  for (const channel of manifest.values()) if ("text" in channel) bytes += channel.text.length;
  return bytes + metadata.bytes.byteLength;
}
