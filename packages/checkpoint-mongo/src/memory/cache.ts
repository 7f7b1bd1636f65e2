import type { CheckpointAddress, NamespaceAddress } from "../address/address.ts";
import type { LineShadows } from "../codec/items/line-shadows.ts";
import type { ContentHash } from "../documents/segment-id.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";
import type { Removal } from "../store/removals.ts";
import type { OpenedThread, ThreadState } from "../store/thread-record.ts";
import type {
  CachedRecord,
  CachedSegment,
  CacheRoom,
  KnownHead,
  VerifiedWrites,
} from "./cache-room.ts";
import { measureSince, takeMoment } from "./elapsed.ts";

export type { CachedSegment, KnownHead } from "./cache-room.ts";

/** A record is measured again when so many tasks have been noted of it. */
const TASKS_AT_ONCE = 64;

/** What a cache holds and how often it was of use, for all savers that share it. */
export interface CacheStats {
  /** Bytes held, estimated. */
  readonly bytes: number;
  /** Bytes it may hold: `cacheMaxBytes` of the savers that share it. */
  readonly maxBytes: number;
  /** Segments and checkpoints held. */
  readonly entries: number;
  /** Segments asked for that were there. */
  readonly hits: number;
  /** Segments asked for that were not there. */
  readonly misses: number;
}

/**
 * What this process knows of the stored documents. The content of a segment never changes, so it never
 * goes stale. Everything else is checked by the server when it is used for writing, also whether more
 * has been appended to a segment.
 *
 * It lies in the room of the saver's client, where each scope has keys of its own.
 */
export class Cache {
  readonly #room: CacheRoom;
  readonly #scope: string;

  /** @param scope whose entries are meant, of all that lie in the room; without a space */
  constructor(room: CacheRoom, scope: string) {
    this.#room = room;
    this.#scope = scope;
  }

  /** What a cache over this one is made with. */
  get parts(): readonly [room: CacheRoom, scope: string] {
    return [this.#room, this.#scope];
  }

  /** Lines of the segments as values are compared with them, in the memory that is left. */
  get shadows(): LineShadows {
    return this.#room.shadows;
  }

  get stats(): CacheStats {
    const { content, bytes, maxBytes, hits, misses } = this.#room;
    return {
      bytes,
      maxBytes,
      entries: content.size,
      hits,
      misses,
    };
  }

  getSegment(threadId: string, root: ContentHash): CachedSegment | undefined {
    const found = this.#room.content.get(this.#key(formatSegment(threadId, root))) as
      | CachedSegment
      | undefined;
    if (found === undefined) this.#room.misses += 1;
    else this.#room.hits += 1;
    return found;
  }

  /** A segment, if it is there. This counts neither as a hit nor as a miss. */
  peekSegment(threadId: string, root: ContentHash): CachedSegment | undefined {
    return this.#room.content.peek(this.#key(formatSegment(threadId, root))) as
      | CachedSegment
      | undefined;
  }

  /** Takes a segment, unless more is known of it already. */
  setSegment(threadId: string, root: ContentHash, segment: CachedSegment): void {
    const key = this.#key(formatSegment(threadId, root));
    const held = this.#room.content.peek(key) as CachedSegment | undefined;
    if (held === undefined || countAppends(held) <= countAppends(segment)) {
      const own = "bytes" in segment ? { bytes: detach(segment.bytes) } : segment;
      this.#room.keep(key, own);
    }
  }

  forgetSegment(threadId: string, root: ContentHash): void {
    this.#room.content.delete(this.#key(formatSegment(threadId, root)));
  }

  /**
   * @param maxAgeMs leaves out a record that was stored or read longer ago; by default none is left out
   */
  getRecord(address: CheckpointAddress, maxAgeMs?: number): CheckpointRecord | undefined {
    const found = this.#room.content.get(this.#key(formatAddress(address))) as
      | CachedRecord
      | undefined;
    if (found === undefined || maxAgeMs === undefined) return found?.record;
    return measureSince(found.since) <= maxAgeMs ? found.record : undefined;
  }

  /** @param options.isOwn whether this process has just put it */
  setRecord(record: CheckpointRecord, { isOwn = false }: { readonly isOwn?: boolean } = {}): void {
    // What nothing is built upon is not to be presumed as a parent either.
    if (record.isPlain === true) return;
    const { parentHash, hash, metadata } = record;
    const own = {
      ...record,
      parentHash: parentHash && detach(parentHash),
      hash: detach(hash),
      metadata: { ...metadata, bytes: detach(metadata.bytes) },
    };
    const key = this.#key(formatAddress(record.address));
    const held = this.#room.content.peek(key) as CachedRecord | undefined;
    const isSame = held !== undefined && Buffer.compare(held.record.hash, own.hash) === 0;
    const tasks = isSame ? held.tasks : undefined;
    this.#room.keep(key, {
      record: own,
      since: takeMoment(),
      tasks: tasks ?? (isOwn ? new Set() : undefined),
    });
  }

  forgetRecord(address: CheckpointAddress): void {
    this.#room.content.delete(this.#key(formatAddress(address)));
  }

  /**
   * Takes note of a task that writes to a checkpoint.
   *
   * @returns whether this is certainly the task's first write there. That is known only if this process
   *   has put the checkpoint itself
   */
  noteTask(address: CheckpointAddress, taskId: string): boolean {
    const key = this.#key(formatAddress(address));
    const held = this.#room.content.peek(key) as CachedRecord | undefined;
    if (held?.tasks === undefined || held.tasks.has(taskId)) return false;
    held.tasks.add(taskId);
    // Tasks take memory too, but measuring the record for each of them would take long.
    if (held.tasks.size % TASKS_AT_ONCE === 0) this.#room.keep(key, { ...held });
    return true;
  }

  /** @param name where the set lies, and its hash: other writes have another name */
  getWrites(name: string): VerifiedWrites | undefined {
    return this.#room.content.get(this.#key(name)) as VerifiedWrites | undefined;
  }

  setWrites(name: string, { writes }: VerifiedWrites): void {
    const own = writes.map((write) => ({ ...write, value: detach(write.value) }));
    this.#room.keep(this.#key(name), { writes: own });
  }

  getHead(address: NamespaceAddress, epoch: number): KnownHead | undefined {
    const head = this.#room.heads.get(this.#key(formatNamespace(address)));
    return head?.epoch === epoch ? head : undefined;
  }

  setHead(address: NamespaceAddress, head: KnownHead): void {
    this.#room.keepHead(this.#key(formatNamespace(address)), head);
  }

  forgetHead(address: NamespaceAddress): void {
    this.#room.heads.delete(this.#key(formatNamespace(address)));
  }

  /** The place in the order before which a namespace need not be pruned again; 0 if it is not known. */
  getNextPrune(address: NamespaceAddress): number {
    return this.#room.nextPrunes.get(this.#key(formatNamespace(address))) ?? 0;
  }

  setNextPrune(address: NamespaceAddress, seq: number): void {
    this.#room.nextPrunes.set(this.#key(formatNamespace(address)), seq);
  }

  getThread(threadId: string): ThreadState | undefined {
    return this.#room.threads.get(this.#key(threadId));
  }

  /** Opens a thread; callers that want the same one meanwhile share it. */
  openOnce(threadId: string, open: () => Promise<OpenedThread>): Promise<OpenedThread> {
    const { opening } = this.#room;
    const key = this.#key(threadId);
    const underWay = opening.get(key);
    if (underWay !== undefined) return underWay;
    const opened = open().finally(() => opening.delete(key));
    opening.set(key, opened);
    return opened;
  }

  setThread(thread: ThreadState): void {
    this.#room.keepThread(this.#key(thread.threadId), thread);
  }

  /** Takes note of a removal by this process, so that its next put need not find out. */
  noteRemoval({ threadId, name }: Removal): void {
    const thread = this.getThread(threadId);
    if (thread !== undefined) this.setThread({ ...thread, removal: name });
  }

  forgetThread(threadId: string): void {
    this.#room.threads.delete(this.#key(threadId));
  }

  #key(name: string): string {
    return `${this.#scope} ${name}`;
  }
}

/** How much is known of a segment. */
export function countAppends(segment: CachedSegment): number {
  return "bytes" in segment ? 0 : segment.appends;
}

/** Bytes in memory of their own: those out of a reply would keep all of the reply in memory. */
function detach(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
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
