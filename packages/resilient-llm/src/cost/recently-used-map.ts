/** Entries remembered per map; memory stays bounded in a process that serves threads for months. */
const DEFAULT_MAXIMUM_SIZE = 10_000;

/** A map of bounded size: beyond it, the entry not written for longest is forgotten. */
export class RecentlyUsedMap<Value> {
  readonly #entries = new Map<string, Value>();
  readonly #maximumSize: number;

  constructor(maximumSize: number = DEFAULT_MAXIMUM_SIZE) {
    this.#maximumSize = maximumSize;
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key);
  }

  /** Stores `value` as the newest entry. */
  set(key: string, value: Value): void {
    // A Map keeps the order of insertion; setting a key again does not move it to the end.
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#maximumSize) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  clear(): void {
    this.#entries.clear();
  }

  /** Entries, the newest last. */
  [Symbol.iterator](): IterableIterator<[string, Value]> {
    return this.#entries[Symbol.iterator]();
  }
}
