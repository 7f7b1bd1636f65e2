import { LRUCache } from "lru-cache";
import { LineShadows } from "../codec/items/line-shadows.ts";
import type { KnownSegment } from "../codec/segments/known-segment.ts";
import { measureText } from "../codec/texts/text-memory.ts";
import { listSegments } from "../documents/manifest.ts";
import type { HashedWrite } from "../integrity/hashes.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";
import type { PlacedCheckpoint } from "../store/find-checkpoint.ts";
import type { OpenedThread, ThreadState } from "../store/thread-record.ts";
import type { Moment } from "./elapsed.ts";

/** The latest checkpoint of a namespace, as far as this process knows. */
export interface KnownHead {
  /** Undefined if there is no checkpoint. */
  readonly latest: PlacedCheckpoint | undefined;
  /** Others that are still marked as the latest. */
  readonly stale: readonly PlacedCheckpoint[];
  /** The life of the thread that it belongs to; each counts its places from 1. */
  readonly epoch: number;
  /** The last removal in the thread when this was read: a later one may have freed the places behind it. */
  readonly removal: string | undefined;
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

/** Whatever is read and verified. */
export type CachedContent = CachedSegment | CachedRecord | VerifiedWrites;

/** A thread's state is asked for again after this time, in case it was deleted elsewhere. */
const THREAD_MAX_AGE_MS = 10 * 60 * 1_000;

/** At least this share of the memory is kept for shadows. */
const MIN_SHADOWS_SHARE = 1 / 8;

/**
 * This share is kept for threads and their latest checkpoints, half for each, so that large contents do
 * not push them out. Without them, each step would have to ask the server. 64 MiB have room for some
 * 6,000.
 */
const STATES_SHARE = 1 / 16;

/** Memory that an entry takes besides its key and its content, about. */
const ENTRY_BYTES = 200;

/** What an object of a few fields takes, or an entry of a map. */
const OBJECT_BYTES = 64;

/**
 * The memory of all savers of a client that name the same bound, whatever database they are on: what
 * they keep together stays below it. It takes room for what it holds and no more.
 */
export class CacheRoom {
  readonly maxBytes: number;
  /** Lines of the segments as values are compared with them, in the memory that is left. */
  readonly shadows: LineShadows;
  readonly content: LRUCache<string, CachedContent>;
  readonly heads: LRUCache<string, KnownHead>;
  readonly threads: LRUCache<string, ThreadState>;
  /** Made when the first saver with `keepLast` asks. */
  #nextPrunes: LRUCache<string, number> | undefined;
  /** Threads that are just being opened. */
  readonly opening: Map<string, Promise<OpenedThread>>;
  hits = 0;
  misses = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
    this.opening = new Map();
    const statesBytes = Math.ceil((maxBytes * STATES_SHARE) / 2);
    this.heads = new LRUCache(bound(statesBytes, measureHead));
    this.threads = new LRUCache({ ...bound(statesBytes, measureThread), ttl: THREAD_MAX_AGE_MS });
    const contentBytes = Math.ceil(maxBytes * (1 - MIN_SHADOWS_SHARE - STATES_SHARE));
    this.content = new LRUCache(bound(contentBytes, measureContent));
    this.shadows = new LineShadows(maxBytes);
  }

  /** The memory that all of it takes, estimated. */
  get bytes(): number {
    return this.#unsharedBytes + this.shadows.bytes;
  }

  keep(key: string, entry: CachedContent): void {
    this.content.set(key, entry);
    this.#limitShadows();
  }

  keepHead(key: string, head: KnownHead): void {
    this.heads.set(key, head);
    this.#limitShadows();
  }

  keepThread(key: string, thread: ThreadState): void {
    this.threads.set(key, thread);
    this.#limitShadows();
  }

  /** Where namespaces are to be pruned next that keep much. */
  get nextPrunes(): LRUCache<string, number> {
    this.#nextPrunes ??= new LRUCache({
      maxSize: Math.ceil((this.maxBytes * STATES_SHARE) / 16),
      sizeCalculation: (_, key) => ENTRY_BYTES + measureText(key),
    });
    return this.#nextPrunes;
  }

  get #unsharedBytes(): number {
    const { content, heads, threads } = this;
    const states = heads.calculatedSize + threads.calculatedSize;
    return content.calculatedSize + states + (this.#nextPrunes?.calculatedSize ?? 0);
  }

  /**
   * Shadows give way first. They can be made again at any time, and contents would have to be read
   * again.
   */
  #limitShadows(): void {
    this.shadows.limit(this.maxBytes - this.#unsharedBytes);
  }
}

/**
 * Bounds the bytes of all entries. An entry that is larger than the bound is not kept. With `max`
 * instead, the room for that many entries would be taken at once.
 */
function bound<V extends object>(
  maxSize: number,
  measure: (entry: V) => number,
): { maxSize: number; sizeCalculation: (entry: V, key: string) => number } {
  return {
    maxSize,
    sizeCalculation: (entry, key) => ENTRY_BYTES + measureText(key) + measure(entry),
  };
}

function measureHead({ latest, stale }: KnownHead): number {
  return (1 + stale.length) * (OBJECT_BYTES + (latest?.checkpointId.length ?? 0));
}

function measureThread({ threadId }: ThreadState): number {
  return OBJECT_BYTES + measureText(threadId);
}

function measureContent(entry: CachedContent): number {
  if ("bytes" in entry) return entry.bytes.byteLength;
  if ("lines" in entry) return entry.memoryBytes;
  if ("writes" in entry) {
    return entry.writes.reduce((bytes, { value }) => bytes + ENTRY_BYTES + value.byteLength, 0);
  }
  return measureRecord(entry);
}

function measureRecord({ record, tasks }: CachedRecord): number {
  const { manifest, metadata, header, sizes } = record;
  let bytes = ENTRY_BYTES * (1 + listSegments(manifest).length) + metadata.bytes.byteLength;
  for (const [name, channel] of manifest) {
    bytes += OBJECT_BYTES + measureText(name);
    if ("slices" in channel) bytes += OBJECT_BYTES * channel.slices.length;
    else if (channel.kind === "inline") bytes += measureText(channel.text);
  }
  for (const versions of [header.channel_versions, ...Object.values(header.versions_seen)]) {
    for (const name of Object.keys(versions)) bytes += OBJECT_BYTES + measureText(name);
  }
  return bytes + OBJECT_BYTES * ((sizes?.size ?? 0) + 2 * (tasks?.size ?? 0));
}
