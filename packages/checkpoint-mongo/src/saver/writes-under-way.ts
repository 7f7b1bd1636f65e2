import type { CheckpointAddress } from "../address/address.ts";
import type { Submission } from "../store/group-commit.ts";

/** A call that stores pending writes. */
interface Storing {
  readonly stored: Promise<unknown>;
  /** What a put may be sent to come after; undefined if it has to wait until they are stored. */
  readonly submitted: Promise<Submission | undefined>;
}

/**
 * The pending writes that this process is storing, by the checkpoint they belong to. Once a child of
 * it can be seen, they must be there.
 */
export class WritesUnderWay {
  readonly #byCheckpoint = new Map<string, Set<Storing>>();

  /**
   * Passes on the outcome of storing writes, and remembers it until it is known.
   *
   * @param store stores them; it may tell what others can be sent to come after
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

  /** Waits until the writes of a checkpoint are stored or have failed. Whoever stores them hears of that. */
  async settle(address: CheckpointAddress): Promise<void> {
    const underWay = this.#list(address);
    await Promise.allSettled(underWay.map(({ stored }) => stored));
  }

  /** What a child of a checkpoint is to be sent after; what else is under way has been waited for. */
  async listSubmitted(address: CheckpointAddress): Promise<readonly Submission[]> {
    const submitted = await Promise.all(this.#list(address).map((storing) => storing.submitted));
    return submitted.filter((submission) => submission !== undefined);
  }

  #list(address: CheckpointAddress): readonly Storing[] {
    return [...(this.#byCheckpoint.get(formatKey(address)) ?? [])];
  }
}

function formatKey({ threadId, checkpointNs, checkpointId }: CheckpointAddress): string {
  return JSON.stringify([threadId, checkpointNs, checkpointId]);
}
