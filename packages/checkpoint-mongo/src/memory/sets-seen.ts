import type { CheckpointAddress } from "../address/address.ts";

/** What this process knows of a checkpoint in one life of its thread. */
export interface SeenCheckpoint {
  /** Sets of its pending writes that this process has stored, as they are marked. */
  readonly sets: Map<string, Uint8Array>;
  /** Whether this process has stored the checkpoint itself. */
  isPut: boolean;
}

/** This many checkpoints are remembered. A forgotten one names fewer sets, but never wrong ones. */
const MAX_CHECKPOINTS = 1_000;

/**
 * Remembers sets of pending writes that are stored before their checkpoint or at the same time, so that
 * the checkpoint can name them. Only sets that are certainly stored are remembered: to name a set that
 * is not there would be a false alarm.
 */
export class SetsSeen {
  readonly #seen = new Map<string, SeenCheckpoint>();

  /** What is known of a checkpoint; it changes as more becomes known. */
  recall(
    { threadId, checkpointNs, checkpointId }: CheckpointAddress,
    epoch: number,
  ): SeenCheckpoint {
    const key = JSON.stringify([threadId, checkpointNs, checkpointId, epoch]);
    const seen = this.#seen.get(key) ?? { sets: new Map<string, Uint8Array>(), isPut: false };
    // The last used stand last.
    this.#seen.delete(key);
    this.#seen.set(key, seen);
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= MAX_CHECKPOINTS) break;
      this.#seen.delete(oldest);
    }
    return seen;
  }
}
