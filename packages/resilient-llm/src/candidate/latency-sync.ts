import type { LatencyStore } from "../options/latency-store.ts";
import { LATENCY_WINDOW_SIZE, type LatencyWindow } from "./latency-window.ts";

/** Shortest time between two exchanges of a window with the store. */
const INTERVAL_MS = 10_000;

/**
 * Exchanges the latencies of a window with a store: those measured here are appended, those of other
 * processes are read. The calls start it, without a timer, and none waits for it.
 */
export class LatencySync {
  readonly #store: LatencyStore;
  readonly #key: string;
  readonly #window: LatencyWindow;
  readonly #onChange: () => void;
  readonly #onError: (error: unknown) => void;
  #unsent: number[] = [];
  #dueAtMs = 0;
  #isExchanging = false;

  /**
   * @param onChange Told when the window has changed.
   * @param onError Told about every failed exchange. The next one makes up for it.
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

  /** Keeps a latency for the next exchange. */
  add(latencyMs: number): void {
    this.#unsent.push(latencyMs);
    if (this.#unsent.length > LATENCY_WINDOW_SIZE) this.#unsent.shift();
  }

  /** Starts an exchange in the background if one is due. */
  touch(nowMs: number): void {
    if (this.#isExchanging || nowMs < this.#dueAtMs) return;
    this.#isExchanging = true;
    this.#dueAtMs = nowMs + INTERVAL_MS;
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
      this.#unsent = [...sending, ...this.#unsent].slice(-LATENCY_WINDOW_SIZE);
      this.#onError(error);
    } finally {
      this.#isExchanging = false;
    }
  }
}
