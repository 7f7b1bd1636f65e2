import { latencyWindowSize } from "./latency-window.ts";

/**
 * Keeps latencies for several processes, so that a new one doesn't start knowing nothing and all see
 * a provider slow down together. A store that fails or hangs costs a call neither time nor success.
 *
 * @example
 * On MongoDB, where a single update appends and cuts off:
 * ```ts
 * const latencies = client.db("app").collection<{ _id: string; ms: number[] }>("llm_latencies");
 * const store: LatencyStore = {
 *   read: async (key) => (await latencies.findOne({ _id: key }))?.ms ?? [],
 *   append: async (key, latenciesMs) => {
 *     const ms = { $each: [...latenciesMs], $slice: -100 };
 *     await latencies.updateOne({ _id: key }, { $push: { ms } }, { upsert: true });
 *   },
 * };
 * ```
 */
export interface LatencyStore {
  /** The latest latencies of `key` in ms, oldest first; the last 100 are used. */
  read(key: string): Promise<readonly number[]>;
  /** Adds latencies to `key`. It's enough to keep the last 100. */
  append(key: string, latenciesMs: readonly number[]): Promise<void>;
}

/** Latencies in memory, to be shared by several models of one process. */
export class InMemoryLatencyStore implements LatencyStore {
  readonly #latencies = new Map<string, readonly number[]>();

  async read(key: string): Promise<readonly number[]> {
    return this.#latencies.get(key) ?? [];
  }

  async append(key: string, latenciesMs: readonly number[]): Promise<void> {
    const all = [...(this.#latencies.get(key) ?? []), ...latenciesMs];
    this.#latencies.set(key, all.slice(-latencyWindowSize));
  }
}
