import { SaverAccess } from "./access-saver.ts";
import { ChangeWatch } from "./change-watch.ts";
import { shareDueSignal } from "./due-signal.ts";
import { EngineLink } from "./engine-link.ts";
import { reportRunEvent, type WorkerFailureEvent } from "./events.ts";
import { matchAccepted } from "./graphs.ts";
import {
  resolveWorkerOptions,
  type RecoveryWorkerOptions,
  type ResolvedWorkerOptions,
} from "./handler-options.ts";
import { Handler, type Handled } from "./run-handler.ts";
import type { FoundRun } from "./run-store.ts";
import { TurnRests } from "./turn-rests.ts";

/** Polls of many workers must not meet: each wait differs by up to this share. */
const JITTER = 0.25;

/** How often a worker looks for runs that it cannot go on with. */
const LOOK_FOR_OTHERS_MS = 60_000;

/** How many runs are handed over at the same time. */
const DISPATCHES_AT_ONCE = 50;

/** If so many runs wait in the engine, it has enough to do. */
const MAX_WAITING = 1_000;

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
  private readonly resting = new TurnRests();
  private readonly engine: EngineLink | undefined;
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
    const { dispatcher, concurrency, pollMs } = this.options;
    this.engine =
      dispatcher &&
      new EngineLink(dispatcher, {
        concurrency,
        retryMs: pollMs,
        stopped: this.drain.signal,
        carryOut: (runId) => this.carryOutBrought(runId),
        reportFailure: (error) => this.reportFailure("engine", undefined, error),
      });
  }

  /** How many runs the worker is carrying out. */
  get activeCount(): number {
    return this.engine?.activeCount ?? this.active.size;
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
      const engine = this.engine?.stop();
      await this.loop;
      await Promise.all([...this.active.values(), engine]);
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
    this.engine?.start();
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

  /** Goes on with a run that the engine has brought here. */
  private async carryOutBrought(runId: string): Promise<void> {
    try {
      await this.handle(runId);
    } catch (error) {
      this.reportFailure("handle", runId, error);
    }
    // It may be due again.
    this.lookNow();
  }

  private handle(runId: string): Promise<Handled> {
    return this.handler.handle(runId, { drain: this.drain.signal, signal: this.abort.signal });
  }

  /** How many runs may be begun, or handed over, now. */
  private countFree(): number {
    if (this.engine === undefined) return this.options.concurrency - this.active.size;
    const waiting = this.resting.count();
    return Math.min(DISPATCHES_AT_ONCE, MAX_WAITING - waiting) - this.active.size;
  }

  /** @returns whether there may be more to do at once */
  private async look(): Promise<boolean> {
    const free = this.countFree();
    if (free <= 0 && this.active.size > 0) {
      await Promise.race(this.active.values());
      return true;
    }
    this.isLookAsked = false;
    try {
      // More than there is room for: other workers take some of them at the same time.
      const limit = this.active.size + this.resting.size + 2 * Math.max(free, 1);
      const horizonMs = this.options.pollMs * (1 + JITTER);
      const { due, nextMs } = await this.access.reach("looking for runs", async ({ store }) => {
        const nowMs = store.estimateTime();
        const found = await store.findDue(this.accepted, nowMs + horizonMs, limit);
        this.resting.forgetTaken(found, found.length < limit);
        return this.sort(found, nowMs);
      });
      this.nextLookMs = performance.now() + nextMs + CLOCK_SLACK_MS;
      const chosen = shuffle(due).slice(0, Math.max(free, 0));
      for (const run of chosen) this.begin(run);
      await this.lookForOthers();
      return free > 0 && due.length > free;
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
  ): { readonly due: FoundRun[]; readonly nextMs: number } {
    const due: FoundRun[] = [];
    let nextMs = Infinity;
    for (const run of found) {
      const { _id: runId, status, wake_at: wakeAt } = run;
      const inMs = (wakeAt?.getTime() ?? Infinity) - nowMs;
      if (this.active.has(runId) || this.resting.has(run)) continue;
      if (inMs <= 0) due.push(run);
      // A lease that is alive was renewed when half of its time was left.
      else if (status !== "running" || inMs < this.options.leaseMs / 2) {
        nextMs = Math.min(nextMs, inMs);
      }
    }
    return { due, nextMs };
  }

  private begin(run: FoundRun): void {
    const { _id: runId } = run;
    const done = this.carryOut(run).finally(() => {
      this.active.delete(runId);
      // What was handed over begins elsewhere.
      if (this.engine === undefined) this.lookNow();
    });
    this.active.set(runId, done);
  }

  private async carryOut(run: FoundRun): Promise<void> {
    const { _id: runId, token } = run;
    try {
      if (this.engine === undefined) {
        const { wasTaken } = await this.handle(runId);
        if (!wasTaken) this.resting.add(run, PASSED_OVER_MS);
      } else {
        await this.engine.dispatch({ runId, token });
        this.resting.addDispatched(run);
      }
    } catch (error) {
      this.resting.add(run, this.options.pollMs);
      this.reportFailure(this.engine === undefined ? "handle" : "dispatch", runId, error);
    }
  }

  /** Waits for the next look. */
  private async rest(): Promise<void> {
    if (this.isLookAsked) return;
    const nowMs = performance.now();
    const pollMs = this.options.pollMs * (1 + JITTER * (2 * Math.random() - 1));
    const waitMs = Math.min(pollMs, this.nextLookMs - nowMs, this.resting.firstEndMs);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.max(0, waitMs));
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
    operation: WorkerFailureEvent["operation"],
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
