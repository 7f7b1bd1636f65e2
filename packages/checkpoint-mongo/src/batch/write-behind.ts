import type { BatchLimits } from "../context/options.ts";
import { PerClient } from "../driver/per-client.ts";
import type { Cache } from "../memory/cache.ts";
import type { SharedPlace } from "../memory/shared-by-client.ts";
import { shareByCopies } from "../process/shared-by-copies.ts";
import type { SavingCall } from "./saving-call.ts";
import { ThreadBuffer } from "./thread-buffer.ts";

/** What all savers of a place have buffered: applications make a saver for each request. */
export class WriteBehind {
  readonly #buffers = new Map<string, ThreadBuffer>();

  /** Takes a call, to be stored later. */
  async save(call: SavingCall, limits: BatchLimits): Promise<void> {
    const { threadId } = call;
    const buffer = this.#buffers.get(threadId) ?? new ThreadBuffer(threadId);
    this.#buffers.set(threadId, buffer);
    try {
      await buffer.save(call, limits);
      await this.#makeRoom(limits.maxBytes);
    } finally {
      this.#dropIdle(threadId);
    }
  }

  /** What a call on a thread is compared with. */
  cacheOf(threadId: string, owner: string): Cache | undefined {
    return this.#buffers.get(threadId)?.pendingOf(owner);
  }

  /**
   * Stores all that is buffered.
   *
   * @throws the first reason why something could not be stored. The rest is stored all the same
   */
  async flush(threadId?: string): Promise<void> {
    await this.#each(threadId, (buffer) => buffer.flush());
  }

  /**
   * Stores what is buffered before something else is done.
   *
   * @param threadId undefined if it may be about any thread
   * @throws why something could not be stored that is tried again: it could not be seen
   */
  async flushBefore(threadId?: string): Promise<void> {
    await this.#each(threadId, (buffer) => buffer.flushBefore());
  }

  async #each(
    threadId: string | undefined,
    act: (buffer: ThreadBuffer) => Promise<void>,
  ): Promise<void> {
    if (this.#buffers.size === 0) return;
    const names = threadId === undefined ? [...this.#buffers.keys()] : [threadId];
    const outcomes = await Promise.allSettled(
      names.map(async (name) => {
        const buffer = this.#buffers.get(name);
        if (buffer === undefined) return;
        try {
          await act(buffer);
        } finally {
          this.#dropIdle(name);
        }
      }),
    );
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  /** The oldest buffers go first. What they cannot store is told to those who write to their threads. */
  async #makeRoom(maxBytes: number): Promise<void> {
    for (const [name, buffer] of this.#buffers) {
      if (this.#bytes <= maxBytes) return;
      await buffer.flushBefore().catch(() => undefined);
      this.#dropIdle(name);
    }
  }

  get #bytes(): number {
    return Array.from(this.#buffers.values()).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #dropIdle(threadId: string): void {
    if (this.#buffers.get(threadId)?.isIdle === true) this.#buffers.delete(threadId);
  }
}

const all = shareByCopies("write-behind", () => new PerClient<WriteBehind>());

/** What is buffered for a place. */
export function shareWriteBehind(place: SharedPlace): WriteBehind {
  return all.get(
    place.client,
    JSON.stringify([place.databaseName, place.collectionPrefix]),
    () => new WriteBehind(),
  );
}
