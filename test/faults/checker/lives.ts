import { endOf, type History, type RecordedCall } from "../history/history.ts";
import { LEAST_LIFE_OF_TTL } from "../promises.ts";

/** From when to when a deletion may have had its effect. */
interface Deletion {
  readonly invokedAtMs: number;
  readonly endedAtMs: number;
}

/** Which threads may have lost what they had, because they were deleted or have expired. */
export class Lives {
  private readonly deletions: ReadonlyMap<string, readonly Deletion[]>;
  private readonly leastLifeMs: ReadonlyMap<string, number>;
  private readonly writing: ReadonlyMap<string, readonly RecordedCall[]>;

  constructor({ plan, calls }: History) {
    const deleting = calls.filter(({ call }) => call.op === "deleteThread");
    const byThread = Map.groupBy(deleting, ({ call }) => call.thread);
    this.deletions = new Map(
      Array.from(byThread, ([thread, group]) => [
        thread,
        group.map((recorded) => ({
          invokedAtMs: recorded.invokedAtMs,
          endedAtMs: endOf(recorded),
        })),
      ]),
    );
    this.leastLifeMs = new Map(
      plan.threads.flatMap(({ thread, ttlMs }) =>
        ttlMs === undefined ? [] : [[thread, ttlMs * LEAST_LIFE_OF_TTL] as const],
      ),
    );
    const acknowledged = calls.filter(
      ({ call, outcome }) =>
        outcome.kind === "ok" && (call.op === "put" || call.op === "putWrites"),
    );
    this.writing = Map.groupBy(
      acknowledged.toSorted((a, b) => endOf(a) - endOf(b)),
      ({ call }) => call.thread,
    );
  }

  /** Whether anything of a thread may ever go. */
  mayLose(thread: string): boolean {
    return this.deletions.has(thread) || this.leastLifeMs.has(thread);
  }

  /**
   * Whether what a call stored may be gone at some time.
   *
   * @param fromMs when the call began
   * @param acknowledgedAtMs when it had stored it
   */
  mayBeGone(thread: string, fromMs: number, acknowledgedAtMs: number, atMs: number): boolean {
    const deletions = this.deletions.get(thread) ?? [];
    if (deletions.some((one) => one.endedAtMs > fromMs && one.invokedAtMs < atMs)) return true;
    const leastLifeMs = this.leastLifeMs.get(thread);
    if (leastLifeMs === undefined) return false;
    let livesUntilMs = fromMs + leastLifeMs;
    for (const write of this.writing.get(thread) ?? []) {
      if (livesUntilMs > atMs) return false;
      if (endOf(write) < acknowledgedAtMs) continue;
      // One that came after the thread's end began the next life.
      if (endOf(write) >= livesUntilMs) break;
      livesUntilMs = Math.max(livesUntilMs, write.invokedAtMs + leastLifeMs);
    }
    return livesUntilMs <= atMs;
  }

  /** Whether a deletion has been that came after something had been stored and before it was read. */
  wasDeleted(thread: string, storedByMs: number, readFromMs: number): boolean {
    const deletions = this.deletions.get(thread) ?? [];
    return deletions.some(
      ({ invokedAtMs, endedAtMs }) => storedByMs < invokedAtMs && endedAtMs < readFromMs,
    );
  }
}
