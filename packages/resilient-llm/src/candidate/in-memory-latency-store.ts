import type { LatencyStore } from "../options/latency-store.ts";
import { LATENCY_WINDOW_SIZE } from "./latency-window.ts";

/** Latencies in memory, to be shared by several models of one process. */
export class InMemoryLatencyStore implements LatencyStore {
  readonly #latencies = new Map<string, readonly number[]>();

  /** The latest latencies of `key` in ms, oldest first. */
  async read(key: string): Promise<readonly number[]> {
    return this.#latencies.get(key) ?? [];
  }

  /** Adds latencies to `key` and keeps the last 100. */
  async append(key: string, latenciesMs: readonly number[]): Promise<void> {
    const all = [...(this.#latencies.get(key) ?? []), ...latenciesMs];
    this.#latencies.set(key, all.slice(-LATENCY_WINDOW_SIZE));
  }
}
