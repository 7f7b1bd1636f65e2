import type { CheckpointAddress, NamespaceAddress } from "../address/address.ts";
import type { ContentHash } from "../documents/segment-id.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";
import type { ThreadState } from "../store/thread-record.ts";
import { Cache, countAppends, type CachedSegment, type KnownHead } from "./cache.ts";

/** A record that is not stored yet, and the tasks that have written to it. */
interface PendingRecord {
  readonly record: CheckpointRecord;
  readonly tasks: Set<string> | undefined;
}

/**
 * What this process knows of a thread once everything is stored that is still to be stored. It lies over the cache,
 * which knows only what is stored. Nothing of it is ever evicted.
 */
export class PendingCache extends Cache {
  readonly #segments = new Map<ContentHash, CachedSegment>();
  readonly #records = new Map<string, PendingRecord>();
  readonly #heads = new Map<string, KnownHead>();
  #thread: ThreadState | undefined;

  constructor(base: Cache) {
    super(...base.parts);
  }

  override getSegment(threadId: string, root: ContentHash): CachedSegment | undefined {
    return this.#segments.get(root) ?? super.getSegment(threadId, root);
  }

  override peekSegment(threadId: string, root: ContentHash): CachedSegment | undefined {
    return this.#segments.get(root) ?? super.peekSegment(threadId, root);
  }

  override setSegment(threadId: string, root: ContentHash, segment: CachedSegment): void {
    const held = this.peekSegment(threadId, root);
    if (held === undefined || countAppends(held) <= countAppends(segment)) {
      this.#segments.set(root, segment);
    }
  }

  override forgetSegment(threadId: string, root: ContentHash): void {
    // One that is not stored yet could not be read again.
    if (!this.#segments.has(root)) super.forgetSegment(threadId, root);
  }

  override getRecord(address: CheckpointAddress, maxAgeMs?: number): CheckpointRecord | undefined {
    return this.#records.get(nameCheckpoint(address))?.record ?? super.getRecord(address, maxAgeMs);
  }

  override setRecord(
    record: CheckpointRecord,
    { isOwn = false }: { readonly isOwn?: boolean } = {},
  ): void {
    const tasks = isOwn ? new Set<string>() : undefined;
    this.#records.set(nameCheckpoint(record.address), { record, tasks });
  }

  override forgetRecord(address: CheckpointAddress): void {
    this.#records.delete(nameCheckpoint(address));
    super.forgetRecord(address);
  }

  override noteTask(address: CheckpointAddress, taskId: string): boolean {
    const pending = this.#records.get(nameCheckpoint(address));
    if (pending === undefined) return super.noteTask(address, taskId);
    const { tasks } = pending;
    if (tasks === undefined || tasks.has(taskId)) return false;
    tasks.add(taskId);
    return true;
  }

  override getHead(address: NamespaceAddress, epoch: number): KnownHead | undefined {
    const head = this.#heads.get(address.checkpointNs);
    return head?.epoch === epoch ? head : super.getHead(address, epoch);
  }

  override setHead(address: NamespaceAddress, head: KnownHead): void {
    this.#heads.set(address.checkpointNs, head);
  }

  override forgetHead(address: NamespaceAddress): void {
    this.#heads.delete(address.checkpointNs);
    super.forgetHead(address);
  }

  override getThread(threadId: string): ThreadState | undefined {
    return this.#thread ?? super.getThread(threadId);
  }

  override setThread(thread: ThreadState): void {
    this.#thread = thread;
  }

  override forgetThread(threadId: string): void {
    this.#thread = undefined;
    super.forgetThread(threadId);
  }

  /** Everything is stored now, and the cache knows it. */
  apply(threadId: string): void {
    for (const [root, segment] of this.#segments) super.setSegment(threadId, root, segment);
    for (const { record, tasks } of this.#records.values()) {
      super.setRecord(record, { isOwn: tasks !== undefined });
      for (const task of tasks ?? []) super.noteTask(record.address, task);
    }
    for (const [checkpointNs, head] of this.#heads) super.setHead({ threadId, checkpointNs }, head);
    if (this.#thread !== undefined) super.setThread(this.#thread);
  }
}

/** A pending cache is of one thread. */
function nameCheckpoint({ checkpointNs, checkpointId }: CheckpointAddress): string {
  return JSON.stringify([checkpointNs, checkpointId]);
}
