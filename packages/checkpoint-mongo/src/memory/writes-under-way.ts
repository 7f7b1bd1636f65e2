import type { CheckpointAddress } from "../address/address.ts";
import type { Submission } from "../store/group-commit.ts";

/** A call that stores pending writes. */
interface Storing {
  readonly stored: Promise<unknown>;
  /**
   * What the put of a child is ordered after; undefined if the put has to wait until they are stored.
   */
  readonly submitted: Promise<Submission | undefined>;
}

/** Pending writes that a put comes after. */
export interface EarlierWrites {
  /** Waits until the writes of a checkpoint are stored or have failed. Whoever stores them hears of that. */
  settle(address: CheckpointAddress): Promise<void>;
  /** What the put of a child is ordered after. All other writes under way have been waited for. */
  listSubmitted(address: CheckpointAddress): Promise<readonly Submission[]>;
}

/**
 * The pending writes that this process is storing, by the checkpoint they belong to. They must be there
 * once a child of the checkpoint can be seen.
 */
export class WritesUnderWay implements EarlierWrites {
  readonly #byCheckpoint = new Map<string, Set<Storing>>();

  /**
   * Passes on the outcome of storing writes, and remembers it until it is known.
   *
   * @param store stores them; it may report early what others can be ordered after
   */
  async track<T>(
    address: CheckpointAddress,
    store: (onSubmitted: (submission: Submission) => void) => Promise<T>,
  ): Promise<T> {
    const { promise: submitted, resolve } = Promise.withResolvers<Submission | undefined>();
    const stored = store(resolve);
    const storing = { stored, submitted };
    const key = formatKey(address);
    const group = this.#byCheckpoint.get(key) ?? new Set();
    this.#byCheckpoint.set(key, group.add(storing));
    try {
      return await stored;
    } finally {
      resolve(undefined);
      group.delete(storing);
      if (group.size === 0) this.#byCheckpoint.delete(key);
    }
  }

  settle(address: CheckpointAddress): Promise<void> {
    return settle(this.#list(address));
  }

  listSubmitted(address: CheckpointAddress): Promise<readonly Submission[]> {
    return listSubmitted(this.#list(address));
  }

  /**
   * The writes of a checkpoint that are under way now. A put that others take turns with must not wait for what comes
   * later: that may wait for the put.
   */
  asOfNow(address: CheckpointAddress): EarlierWrites {
    const underWay = this.#list(address);
    return { settle: () => settle(underWay), listSubmitted: () => listSubmitted(underWay) };
  }

  #list(address: CheckpointAddress): readonly Storing[] {
    return [...(this.#byCheckpoint.get(formatKey(address)) ?? [])];
  }
}

async function settle(underWay: readonly Storing[]): Promise<void> {
  await Promise.allSettled(underWay.map(({ stored }) => stored));
}

async function listSubmitted(underWay: readonly Storing[]): Promise<readonly Submission[]> {
  const submitted = await Promise.all(underWay.map((storing) => storing.submitted));
  return submitted.filter((submission) => submission !== undefined);
}

function formatKey({ threadId, checkpointNs, checkpointId }: CheckpointAddress): string {
  return JSON.stringify([threadId, checkpointNs, checkpointId]);
}
