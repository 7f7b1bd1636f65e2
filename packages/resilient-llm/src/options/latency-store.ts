/**
 * Keeps latencies for several processes. A new process then starts with the latencies of the others, and
 * all of them notice together when a provider slows down. A store that fails or hangs neither delays a
 * call nor makes it fail. A latency is scaled to a request with next to no prompt and answer, so that those
 * of short and long ones can be compared.
 *
 * @example
 * On MongoDB, where a single update appends and trims:
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
  /** The latest latencies of `key` in milliseconds, the oldest first. The last 100 are used. */
  read(key: string): Promise<readonly number[]>;
  /** Adds latencies to `key`, in milliseconds. Only the last 100 have to be kept. */
  append(key: string, latenciesMs: readonly number[]): Promise<void>;
}
