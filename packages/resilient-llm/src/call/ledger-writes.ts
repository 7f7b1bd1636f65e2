import { waitAtMost } from "../journal/wait-at-most.ts";
import type { EventHub } from "../events/events.ts";

/** So many writes are kept for later; what is more is given up, the oldest first. */
const MAX_KEPT = 10_000;

/** What was kept is tried again after so many ms, then after twice as long, … */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** Writes that the ledger may miss when it cannot be reached. Each of them may be repeated without harm. */
export class LedgerWrites {
  readonly #events: EventHub;
  readonly #timeoutMs: number;
  readonly #kept = new Set<() => Promise<void>>();
  #pauseMs = FIRST_PAUSE_MS;
  #isWaiting = false;

  constructor(events: EventHub, timeoutMs: number) {
    this.#events = events;
    this.#timeoutMs = timeoutMs;
  }

  /** Writes, now or as soon as it is possible. Returns when it is done, or has taken too long. Never rejects. */
  async write(task: () => Promise<void>): Promise<void> {
    // A task that is late may still succeed. It is kept only when it has failed.
    const running = task().catch((error: unknown) => {
      this.#keep(task);
      throw error;
    });
    try {
      await waitAtMost(running, this.#timeoutMs, "The ledger");
    } catch (error) {
      this.#events.emit({ type: "ledger-failed", operation: "book", error });
    }
  }

  #keep(task: () => Promise<void>): void {
    this.#kept.add(task);
    if (this.#kept.size > MAX_KEPT) {
      const [oldest] = this.#kept;
      if (oldest) this.#kept.delete(oldest);
      process.emitWarning(`More than ${MAX_KEPT} entries wait for the ledger. The oldest is lost.`);
    }
    this.#tryLater();
  }

  #tryLater(): void {
    if (this.#isWaiting || this.#kept.size === 0) return;
    this.#isWaiting = true;
    // The machine's own timer: it is about a storage. It keeps no process alive that has nothing else to do.
    setTimeout(() => {
      this.#isWaiting = false;
      void this.#tryAgain();
    }, this.#pauseMs).unref();
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }

  async #tryAgain(): Promise<void> {
    for (const task of this.#kept) {
      try {
        await task();
      } catch {
        this.#tryLater();
        return;
      }
      this.#kept.delete(task);
    }
    this.#pauseMs = FIRST_PAUSE_MS;
  }
}
