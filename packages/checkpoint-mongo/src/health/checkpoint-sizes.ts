/** How large checkpoints are that this saver has put, and how fast they grow. */
export interface CheckpointSizeStats {
  /** Checkpoints put. */
  readonly count: number;
  /** Bytes of the state of the last one, before compression, at most: its pending writes do not count. */
  readonly lastBytes: number;
  /** The average of all. */
  readonly meanBytes: number;
  /** The largest of all. */
  readonly largestBytes: number;
  /** Bytes that one adds to its parent, as a moving average of about the last 50. */
  readonly growthBytes: number;
}

/** The weight of one more checkpoint in the moving average. */
const WEIGHT = 0.02;

/** Before so many checkpoints, nobody knows what is usual. */
const MIN_CHECKPOINTS = 20;

/** A step that adds less is no reason to warn. */
const MIN_ABNORMAL_BYTES = 1_048_576;

/** A step that adds so many times as much as usual is abnormal. */
const ABNORMAL_FACTOR = 10;

/** What is abnormal about a checkpoint. */
export interface AbnormalGrowth {
  readonly addedBytes: number;
  readonly usualBytes: number;
}

/** Sizes of checkpoints, in constant memory. */
export class CheckpointSizes {
  #count = 0;
  #sumBytes = 0;
  #lastBytes = 0;
  #largestBytes = 0;
  #growthBytes = 0;

  /**
   * @param bytes of the state
   * @param readParentBytes called only if the state is so large that its growth can be abnormal
   * @returns what is abnormal about it, if anything
   */
  add(
    bytes: number,
    addedBytes: number,
    readParentBytes: () => number | undefined,
  ): AbnormalGrowth | undefined {
    const usualBytes = Math.round(this.#growthBytes);
    const abnormal = this.#isAbnormal(addedBytes, readParentBytes, bytes)
      ? { addedBytes, usualBytes }
      : undefined;
    this.#count += 1;
    this.#sumBytes += bytes;
    this.#lastBytes = bytes;
    this.#largestBytes = Math.max(this.#largestBytes, bytes);
    // At first, it is the plain average.
    const weight = Math.max(WEIGHT, 1 / this.#count);
    this.#growthBytes += weight * (addedBytes - this.#growthBytes);
    return abnormal;
  }

  get stats(): CheckpointSizeStats {
    return {
      count: this.#count,
      lastBytes: this.#lastBytes,
      meanBytes: this.#count === 0 ? 0 : Math.round(this.#sumBytes / this.#count),
      largestBytes: this.#largestBytes,
      growthBytes: Math.round(this.#growthBytes),
    };
  }

  #isAbnormal(
    addedBytes: number,
    readParentBytes: () => number | undefined,
    bytes: number,
  ): boolean {
    if (this.#count < MIN_CHECKPOINTS || addedBytes < MIN_ABNORMAL_BYTES) return false;
    if (addedBytes < ABNORMAL_FACTOR * this.#growthBytes) return false;
    const parentBytes = readParentBytes();
    // A first checkpoint begins with what it begins with; what replaces as much does not grow.
    return parentBytes !== undefined && bytes - parentBytes >= MIN_ABNORMAL_BYTES;
  }
}
