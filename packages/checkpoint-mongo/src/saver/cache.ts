import { LRUCache } from "lru-cache";
import type { CheckpointAddress, NamespaceAddress } from "../address/address.ts";
import { LineShadows, type KnownSegment } from "../codec/index.ts";
import { listSegments, type ContentHash } from "../documents/index.ts";
import type { HashedWrite } from "../integrity/hashes.ts";
import type { PlacedCheckpoint, ThreadState } from "../store/index.ts";
import type { CheckpointRecord } from "./checkpoint-record.ts";

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
interface CachedRecord {
  readonly record: CheckpointRecord;
  readonly sinceMs: number;
}

/** What the cache holds and how it fares. */
export interface CacheStats {
  /** Bytes held, estimated. */
  readonly bytes: number;
  readonly maxBytes: number;
  /** Segments and checkpoints held. */
  readonly entries: number;
  /** Segments asked for that were there. */
  readonly hits: number;
  /** Segments asked for that were not there. */
  readonly misses: number;
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
 * What this process knows of what is stored. What a segment holds never changes, so it never goes
 * stale; everything else, also whether more has been appended to a segment, is checked by the server
 * when it is used for writing.
 */
export class Cache {
  /** Lines of the segments as values are compared with them, in the memory that is left. */
  readonly shadows: LineShadows;
  readonly #maxBytes: number;
  readonly #content: LRUCache<string, CachedSegment | CachedRecord | VerifiedWrites>;
  readonly #heads = new LRUCache<string, KnownHead>({ ...count(MAX_HEADS) });
  readonly #threads = new LRUCache<string, ThreadState>({
    ...count(MAX_THREADS),
    ttl: THREAD_MAX_AGE_MS,
  });
  #hits = 0;
  #misses = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    const maxSize = Math.ceil(maxBytes * (1 - MIN_SHADOWS_SHARE));
    this.#content = new LRUCache({ maxSize, sizeCalculation: measure });
    this.shadows = new LineShadows(maxBytes);
  }

  get stats(): CacheStats {
    return {
      bytes: this.#content.calculatedSize + this.shadows.bytes,
      maxBytes: this.#maxBytes,
      entries: this.#content.size,
      hits: this.#hits,
      misses: this.#misses,
    };
  }

  getSegment(threadId: string, root: ContentHash): CachedSegment | undefined {
    const found = this.#content.get(formatSegment(threadId, root)) as CachedSegment | undefined;
    if (found === undefined) this.#misses += 1;
    else this.#hits += 1;
    return found;
  }

  /** A segment, if it is there; whether it is does not count. */
  peekSegment(threadId: string, root: ContentHash): CachedSegment | undefined {
    return this.#content.peek(formatSegment(threadId, root)) as CachedSegment | undefined;
  }

  /** Takes a segment, unless more is known of it already. */
  setSegment(threadId: string, root: ContentHash, segment: CachedSegment): void {
    const key = formatSegment(threadId, root);
    const held = this.#content.peek(key) as CachedSegment | undefined;
    if (held === undefined || countAppends(held) <= countAppends(segment)) {
      this.#keep(key, "bytes" in segment ? { bytes: detach(segment.bytes) } : segment);
    }
  }

  forgetSegment(threadId: string, root: ContentHash): void {
    this.#content.delete(formatSegment(threadId, root));
  }

  /** @param maxAgeMs not if it was stored or read longer ago; by default however long ago */
  getRecord(address: CheckpointAddress, maxAgeMs?: number): CheckpointRecord | undefined {
    const found = this.#content.get(formatAddress(address)) as CachedRecord | undefined;
    if (found === undefined || maxAgeMs === undefined) return found?.record;
    return Date.now() - found.sinceMs <= maxAgeMs ? found.record : undefined;
  }

  setRecord(record: CheckpointRecord): void {
    const { parentHash, hash, metadata } = record;
    const own = {
      ...record,
      parentHash: parentHash && detach(parentHash),
      hash: detach(hash),
      metadata: { ...metadata, bytes: detach(metadata.bytes) },
    };
    this.#keep(formatAddress(record.address), { record: own, sinceMs: Date.now() });
  }

  /** @param name where the set lies, and its hash: other writes have another name */
  getWrites(name: string): VerifiedWrites | undefined {
    return this.#content.get(name) as VerifiedWrites | undefined;
  }

  setWrites(name: string, { writes }: VerifiedWrites): void {
    const own = writes.map((write) => ({ ...write, value: detach(write.value) }));
    this.#keep(name, { writes: own });
  }

  #keep(key: string, entry: CachedSegment | CachedRecord | VerifiedWrites): void {
    this.#content.set(key, entry);
    // What was read would have to be read again, shadows are made from it at any time.
    this.shadows.limit(this.#maxBytes - this.#content.calculatedSize);
  }

  getHead(address: NamespaceAddress, epoch: number): KnownHead | undefined {
    const head = this.#heads.get(formatNamespace(address));
    return head?.epoch === epoch ? head : undefined;
  }

  setHead(address: NamespaceAddress, head: KnownHead): void {
    this.#heads.set(formatNamespace(address), head);
  }

  forgetHead(address: NamespaceAddress): void {
    this.#heads.delete(formatNamespace(address));
  }

  getThread(threadId: string): ThreadState | undefined {
    return this.#threads.get(threadId);
  }

  setThread(thread: ThreadState): void {
    this.#threads.set(thread.threadId, thread);
  }

  forgetThread(threadId: string): void {
    this.#threads.delete(threadId);
  }
}

/** Bounds how many entries there are. By `max` the room for all of them would be taken at once. */
function count(entries: number): { maxSize: number; sizeCalculation: () => number } {
  return { maxSize: entries, sizeCalculation: () => 1 };
}

function countAppends(segment: CachedSegment): number {
  return "bytes" in segment ? 0 : segment.appends;
}

/** Bytes in memory of their own: those out of a reply would keep all of the reply in memory. */
function detach(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

function formatSegment(threadId: string, root: ContentHash): string {
  return `${root} ${threadId}`;
}

function formatNamespace({ threadId, checkpointNs }: NamespaceAddress): string {
  return JSON.stringify([threadId, checkpointNs]);
}

function formatAddress({ threadId, checkpointNs, checkpointId }: CheckpointAddress): string {
  return JSON.stringify([threadId, checkpointNs, checkpointId]);
}

function measure(entry: CachedSegment | CachedRecord | VerifiedWrites): number {
  if ("bytes" in entry) return ENTRY_BYTES + entry.bytes.byteLength;
  if ("lines" in entry) {
    return entry.lines.reduce((bytes, line) => bytes + line.length + 16, ENTRY_BYTES);
  }
  if ("writes" in entry) {
    return entry.writes.reduce((bytes, { value }) => bytes + ENTRY_BYTES + value.byteLength, 0);
  }
  const { manifest, metadata } = entry.record;
  let bytes = ENTRY_BYTES * (1 + manifest.size + listSegments(manifest).length);
  for (const channel of manifest.values()) if ("text" in channel) bytes += channel.text.length;
  return bytes + metadata.bytes.byteLength;
}
