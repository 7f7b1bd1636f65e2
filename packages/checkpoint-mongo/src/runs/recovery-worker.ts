import { SaverAccess } from "./access-saver.ts";
import { ChangeWatch } from "./change-watch.ts";
import { shareDueSignal } from "./due-signal.ts";
import { reportRunEvent } from "./events.ts";
import { matchAccepted } from "./graphs.ts";
import {
  resolveWorkerOptions,
  type RecoveryWorkerOptions,
  type ResolvedWorkerOptions,
} from "./handler-options.ts";
import { Handler } from "./run-handler.ts";
import type { FoundRun } from "./run-store.ts";

/** Polls of many workers must not meet: each wait differs by up to this share. */
const JITTER = 0.25;

/** How often a worker looks for runs that it cannot go on with. */
const LOOK_FOR_OTHERS_MS = 60_000;

/** How long a run that was handed to another process is not handed over again. */
const DISPATCHED_MS = 30_000;

/** How long a run that was not to be taken after all is left alone: another worker has it, or the clocks differ. */
const PASSED_OVER_MS = 250;

/** All workers hear of a change at once. They look at a random moment within so long, and one finds the run taken. */
const SPREAD_MS = 50;

/** The server's clock and what this process thinks of it differ by less. */
const CLOCK_SLACK_MS = 10;

/**
 * Finds the runs whose time has come, and carries them out or hands them over: those that were started, those whose
 * worker is gone, those that failed and are to be tried again, and those that wake.
 *
 * @example
 * ```ts
 * const worker = new RecoveryWorker({ saver, graphs: { research: graph } });
 * worker.start();
 * process.once("SIGTERM", () => void worker.stop());
 * ```
 */
export class RecoveryWorker {
  private readonly options: ResolvedWorkerOptions;
  private readonly access: SaverAccess;
  private readonly handler: Handler;
  private readonly accepted: object;
  private readonly active = new Map<string, Promise<void>>();
  /** Until when runs are left alone, by this process's monotonic clock. */
  private readonly resting = new Map<string, number>();
  private readonly drain = new AbortController();
  private readonly abort = new AbortController();
  private loop: Promise<void> | undefined;
  private wake: (() => void) | undefined;
  private soon: NodeJS.Timeout | undefined;
  private isLookAsked = false;
  private nextLookMs = Infinity;
  private lookedForOthersMs = -Infinity;

  /**
   * Creates a worker. It does nothing before {@link RecoveryWorker.start}.
   *
   * @throws InvalidOptionsError if options are wrong, missing or unknown: lists all of them
   */
  constructor(options: RecoveryWorkerOptions) {
    this.options = resolveWorkerOptions(options);
    this.access = new SaverAccess(this.options.saver, this.options.expiresAfterMs);
    this.handler = new Handler(this.options);
    this.accepted = matchAccepted(this.options.graphs);
  }

  /** How many runs the worker is carrying out. */
  get activeCount(): number {
    return this.active.size;
  }

  /** Begins to look for runs. A worker that was stopped stays stopped. */
  start(): void {
    this.loop ??= this.run();
  }

  /**
   * Takes no more runs, and lets those that it has come to the end of their superstep. After `drainMs` the rest is
   * aborted. All are given back, so other workers go on with them at once.
   */
  async stop(): Promise<void> {
    this.drain.abort();
    this.lookNow();
    const timer = setTimeout(() => this.abort.abort(), this.options.drainMs);
    try {
      await this.loop;
      await Promise.all(this.active.values());
    } finally {
      clearTimeout(timer);
    }
  }

  /** The same as {@link RecoveryWorker.stop}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private async run(): Promise<void> {
    const signal = shareDueSignal(this.options.saver["client"]);
    const stopListening = signal.onDue(() => this.lookNow());
    const watch = new ChangeWatch(this.access, {
      onDue: () => this.lookSoon(),
      onCancel: (runId) => signal.cancel(runId),
      onFailure: (reason, error) =>
        reportRunEvent(this.options.onEvent, { type: "runs-not-watched", reason, error }),
    });
    if (this.options.watch) watch.start();
    try {
      while (!this.drain.signal.aborted) {
        const isMore = await this.look();
        if (!isMore) await this.rest();
      }
    } finally {
      stopListening();
      await watch.stop();
    }
  }

  /** Changes come in crowds: one look serves all that come until then. */
  private lookSoon(): void {
    this.soon ??= setTimeout(() => {
      this.soon = undefined;
      this.lookNow();
    }, Math.random() * SPREAD_MS);
  }

  private lookNow(): void {
    this.isLookAsked = true;
    this.wake?.();
  }

  /** @returns whether there may be more to do at once */
  private async look(): Promise<boolean> {
    const { concurrency } = this.options;
    const free = concurrency - this.active.size;
    if (free <= 0) {
      await Promise.race(this.active.values());
      return true;
    }
    this.isLookAsked = false;
    try {
      this.endRests();
      // More than there is room for: other workers take some of them at the same time.
      const limit = this.active.size + this.resting.size + 2 * free;
      const horizonMs = this.options.pollMs * (1 + JITTER);
      const { due, nextMs } = await this.access.reach("looking for runs", async ({ store }) => {
        const nowMs = store.estimateTime();
        return this.sort(await store.findDue(this.accepted, nowMs + horizonMs, limit), nowMs);
      });
      this.nextLookMs = performance.now() + nextMs + CLOCK_SLACK_MS;
      const chosen = shuffle(due).slice(0, free);
      for (const runId of chosen) this.begin(runId);
      await this.lookForOthers();
      return chosen.length === free && due.length > free;
    } catch (error) {
      this.nextLookMs = Infinity;
      this.reportFailure("poll", undefined, error);
      return false;
    }
  }

  /** Tells runs that are due from those that will be, and in how many milliseconds the first of these will. */
  private sort(
    found: readonly FoundRun[],
    nowMs: number,
  ): { readonly due: string[]; readonly nextMs: number } {
    const due: string[] = [];
    let nextMs = Infinity;
    for (const { _id: runId, status, wake_at: wakeAt } of found) {
      const inMs = (wakeAt?.getTime() ?? Infinity) - nowMs;
      if (this.active.has(runId) || this.resting.has(runId)) continue;
      if (inMs <= 0) due.push(runId);
      // A lease that is alive was renewed when half of its time was left.
      else if (status !== "running" || inMs < this.options.leaseMs / 2) {
        nextMs = Math.min(nextMs, inMs);
      }
    }
    return { due, nextMs };
  }

  private begin(runId: string): void {
    const done = this.carryOut(runId).finally(() => {
      this.active.delete(runId);
      this.lookNow();
    });
    this.active.set(runId, done);
  }

  private async carryOut(runId: string): Promise<void> {
    const { dispatch, pollMs } = this.options;
    try {
      if (dispatch === undefined) {
        const how = { drain: this.drain.signal, signal: this.abort.signal };
        const { wasTaken } = await this.handler.handle(runId, how);
        if (!wasTaken) this.letRest(runId, PASSED_OVER_MS);
      } else {
        await dispatch(runId);
        this.letRest(runId, DISPATCHED_MS);
      }
    } catch (error) {
      this.letRest(runId, pollMs);
      this.reportFailure(dispatch === undefined ? "handle" : "dispatch", runId, error);
    }
  }

  private letRest(runId: string, milliseconds: number): void {
    this.resting.set(runId, performance.now() + milliseconds);
  }

  private endRests(): void {
    const nowMs = performance.now();
    for (const [runId, untilMs] of this.resting) if (untilMs <= nowMs) this.resting.delete(runId);
  }

  /** Waits for the next look. */
  private async rest(): Promise<void> {
    if (this.isLookAsked) return;
    const nowMs = performance.now();
    const pollMs = this.options.pollMs * (1 + JITTER * (2 * Math.random() - 1));
    const restMs = Math.min(...this.resting.values()) - nowMs;
    const waitMs = Math.max(0, Math.min(pollMs, this.nextLookMs - nowMs, restMs));
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, waitMs);
    this.wake = resolve;
    await promise;
    this.wake = undefined;
    clearTimeout(timer);
  }

  private async lookForOthers(): Promise<void> {
    const { onEvent } = this.options;
    const nowMs = performance.now();
    if (onEvent === undefined || nowMs - this.lookedForOthersMs < LOOK_FOR_OTHERS_MS) return;
    this.lookedForOthersMs = nowMs;
    const others = await this.access.reach("looking for runs of others", ({ store }) =>
      store.countOthers(this.accepted),
    );
    for (const { graph, version, count } of others) {
      reportRunEvent(onEvent, { type: "runs-not-accepted", graph, version, count });
    }
  }

  private reportFailure(
    operation: "poll" | "dispatch" | "handle",
    runId: string | undefined,
    error: unknown,
  ): void {
    reportRunEvent(this.options.onEvent, { type: "worker-failure", operation, runId, error });
  }
}

/** Workers that find the same runs begin with different ones. */
function shuffle<T>(list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, place: Math.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
