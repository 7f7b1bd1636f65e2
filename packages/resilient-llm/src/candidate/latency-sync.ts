import type { LatencyStore } from "../options/latency-store.ts";
import { latencyWindowSize, type LatencyWindow } from "./latency-window.ts";

/** Exchanges with the store are at least this far apart, per window. */
const intervalMs = 10_000;

/**
 * Keeps a window of latencies in step with a store: what is measured here is appended, what others
 * have measured is read. It's driven by the calls, without a timer, and no call waits for it.
 */
export class LatencySync {
  readonly #store: LatencyStore;
  readonly #key: string;
  readonly #window: LatencyWindow;
  readonly #onChange: () => void;
  readonly #onError: (error: unknown) => void;
  #unsent: number[] = [];
  #dueAtMs = 0;
  #exchanging = false;

  /**
   * @param onChange Told when the window has changed.
   * @param onError Told about every failed exchange; the next one makes up for it.
   */
  constructor(
    store: LatencyStore,
    key: string,
    window: LatencyWindow,
    onChange: () => void,
    onError: (error: unknown) => void,
  ) {
    this.#store = store;
    this.#key = key;
    this.#window = window;
    this.#onChange = onChange;
    this.#onError = onError;
  }

  /** Takes note of a latency for the next exchange. */
  add(latencyMs: number): void {
    this.#unsent.push(latencyMs);
    if (this.#unsent.length > latencyWindowSize) this.#unsent.shift();
  }

  /** Starts an exchange in the background if one is due. */
  touch(nowMs: number): void {
    if (this.#exchanging || nowMs < this.#dueAtMs) return;
    this.#exchanging = true;
    this.#dueAtMs = nowMs + intervalMs;
    void this.#exchange();
  }

  async #exchange(): Promise<void> {
    let sending = this.#unsent;
    this.#unsent = [];
    try {
      if (sending.length > 0) await this.#store.append(this.#key, sending);
      sending = [];
      const latenciesMs = await this.#store.read(this.#key);
      this.#window.replace([...latenciesMs, ...this.#unsent]);
      this.#onChange();
    } catch (error) {
      this.#unsent = [...sending, ...this.#unsent].slice(-latencyWindowSize);
      this.#onError(error);
    } finally {
      this.#exchanging = false;
    }
  }
}
