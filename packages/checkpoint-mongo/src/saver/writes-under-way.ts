import type { CheckpointAddress } from "../address/address.ts";

/** The pending writes that this process is storing, by the checkpoint they belong to. */
export class WritesUnderWay {
  readonly #byCheckpoint = new Map<string, Set<Promise<unknown>>>();

  /** Passes on the outcome of storing writes, and remembers it until it is known. */
  async track<T>(address: CheckpointAddress, stored: Promise<T>): Promise<T> {
    const key = formatKey(address);
    const group = this.#byCheckpoint.get(key) ?? new Set();
    this.#byCheckpoint.set(key, group.add(stored));
    try {
      return await stored;
    } finally {
      group.delete(stored);
      if (group.size === 0) this.#byCheckpoint.delete(key);
    }
  }

  /**
   * Waits until the writes of a checkpoint are stored or have failed: once a child of it can be
   * seen, they must be there. Whoever stores them hears of a failure.
   */
  async settle(address: CheckpointAddress): Promise<void> {
    const underWay = this.#byCheckpoint.get(formatKey(address));
    if (underWay !== undefined) await Promise.allSettled(underWay);
  }
}

function formatKey({ threadId, checkpointNs, checkpointId }: CheckpointAddress): string {
  return JSON.stringify([threadId, checkpointNs, checkpointId]);
}
