import type { LatencyStore } from "../options/latency-store.ts";
import { latencyWindowSize } from "./latency-window.ts";

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
