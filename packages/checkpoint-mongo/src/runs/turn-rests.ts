import type { FoundRun } from "./run-store.ts";

/** Between two times that a run is handed over which nobody takes. */
const FIRST_DISPATCHED_MS = 5_000;
const MAX_DISPATCHED_MS = 60_000;

interface Rest {
  /** By this process's monotonic clock. */
  readonly untilMs: number;
  /** How often it was left alone. */
  readonly times: number;
  /** When the run was due, by the server's clock. */
  readonly wakeAtMs: number;
}

/**
 * The turns of runs that a worker leaves alone for a while. When a run is taken, its next turn begins: a run whose next
 * worker dies is not left alone.
 */
export class TurnRests {
  readonly #rests = new Map<string, Rest>();

  /** How many turns are known. */
  get size(): number {
    return this.#rests.size;
  }

  /** How many are left alone now. */
  count(): number {
    return this.#listLeft().length;
  }

  /** In how many milliseconds the first of them ends. */
  get firstEndMs(): number {
    return Math.min(...this.#listLeft());
  }

  /** Leaves a run alone for so long. */
  add(run: FoundRun, milliseconds: number): void {
    const times = (this.#rests.get(nameTurn(run))?.times ?? 0) + 1;
    const untilMs = performance.now() + milliseconds;
    const wakeAtMs = run.wake_at?.getTime() ?? 0;
    this.#rests.set(nameTurn(run), { untilMs, times, wakeAtMs });
  }

  /**
   * Leaves a run alone that was handed over. The process that the engine gave it to may be gone, so it is handed over
   * again; each time after twice as long, because the engine may have much to do.
   */
  addDispatched(run: FoundRun): void {
    const times = this.#rests.get(nameTurn(run))?.times ?? 0;
    this.add(run, Math.min(MAX_DISPATCHED_MS, FIRST_DISPATCHED_MS * 2 ** times));
  }

  has(run: FoundRun): boolean {
    return (this.#rests.get(nameTurn(run))?.untilMs ?? 0) > performance.now();
  }

  /** Forgets those that are not found where they would stand: somebody has taken them. */
  forgetTaken(found: readonly FoundRun[], areAll: boolean): void {
    const turns = new Set(found.map(nameTurn));
    const lastMs = areAll ? Infinity : (found.at(-1)?.wake_at?.getTime() ?? 0);
    for (const [turn, { wakeAtMs }] of this.#rests) {
      if (wakeAtMs < lastMs && !turns.has(turn)) this.#rests.delete(turn);
    }
  }

  #listLeft(): number[] {
    const nowMs = performance.now();
    return [...this.#rests.values()]
      .map(({ untilMs }) => untilMs - nowMs)
      .filter((leftMs) => leftMs > 0);
  }
}

function nameTurn({ _id: runId, token }: FoundRun): string {
  return `${token} ${runId}`;
}
