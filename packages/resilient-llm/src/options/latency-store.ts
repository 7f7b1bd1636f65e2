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
