import { setTimeout as sleep } from "node:timers/promises";
import { SaverAccess } from "./access-saver.ts";
import { ChangeWatch } from "./change-watch.ts";
import { shareDueSignal } from "./due-signal.ts";
import { reportRunEvent, type WorkerFailureEvent } from "./events.ts";
import { matchAccepted } from "./graphs.ts";
import {
  resolveWorkerOptions,
  type RecoveryWorkerOptions,
  type ResolvedWorkerOptions,
} from "./handler-options.ts";
import { Handler, type Handled } from "./run-handler.ts";
import type { FoundRun } from "./run-store.ts";

/** Polls of many workers must not meet: each wait differs by up to this share. */
const JITTER = 0.25;

/** How often a worker looks for runs that it cannot go on with. */
const LOOK_FOR_OTHERS_MS = 60_000;

/** How long a run that was handed to another process is not handed over again. */
const DISPATCHED_MS = 30_000;

/** How many runs are handed over at the same time. */
const DISPATCHES_AT_ONCE = 50;

/** An engine that is down may never answer. */
const DISPATCH_LIMIT_MS = 15_000;

/** If so many runs wait in the engine, it has enough to do. */
const MAX_WAITING = 1_000;

/** How long the engine may take to stop when its runs have ended. */
const ENGINE_STOP_MS = 5_000;

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
  /** What the engine has brought here. */
  private readonly brought = new Set<Promise<void>>();
  /** Turns of runs that are left alone for a while. */
  private readonly resting = new Map<string, Rest>();
  private readonly drain = new AbortController();
  private readonly abort = new AbortController();
  private loop: Promise<void> | undefined;
  private engine: Promise<void> | undefined;
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
    return this.options.dispatcher === undefined ? this.active.size : this.brought.size;
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
      const engine = this.stopEngine();
      await this.loop;
      await Promise.all([...this.active.values(), ...this.brought]);
      await withinTime(engine, ENGINE_STOP_MS, "stop").catch((error: unknown) =>
        this.reportFailure("engine", undefined, error),
      );
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
    this.engine = this.startEngine();
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

  private async startEngine(): Promise<void> {
    const { dispatcher, concurrency, pollMs } = this.options;
    if (dispatcher?.start === undefined) return;
    const reportFailure = (error: unknown): void => this.reportFailure("engine", undefined, error);
    const carryOut = (runId: string): Promise<void> => this.carryOutBrought(runId);
    while (!this.drain.signal.aborted) {
      try {
        return await dispatcher.start({ carryOut, concurrency, reportFailure });
      } catch (error) {
        reportFailure(error);
        await sleep(pollMs, undefined, { signal: this.drain.signal }).catch(() => undefined);
      }
    }
  }

  private async stopEngine(): Promise<void> {
    try {
      await this.engine;
      if (this.loop !== undefined) await this.options.dispatcher?.stop?.();
    } catch (error) {
      this.reportFailure("engine", undefined, error);
    }
  }

  /** Goes on with a run that the engine has brought here. */
  private async carryOutBrought(runId: string): Promise<void> {
    const done = this.handle(runId).then(
      () => undefined,
      (error: unknown) => this.reportFailure("handle", runId, error),
    );
    this.brought.add(done);
    await done;
    this.brought.delete(done);
    // It may be due again.
    this.lookNow();
  }

  private handle(runId: string): Promise<Handled> {
    return this.handler.handle(runId, { drain: this.drain.signal, signal: this.abort.signal });
  }

  /** How many runs may be begun, or handed over, now. */
  private countFree(): number {
    const { dispatcher, concurrency } = this.options;
    if (dispatcher === undefined) return concurrency - this.active.size;
    return Math.min(DISPATCHES_AT_ONCE, MAX_WAITING - this.resting.size) - this.active.size;
  }

  /** @returns whether there may be more to do at once */
  private async look(): Promise<boolean> {
    this.endRests();
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
        this.forgetTaken(found, found.length < limit);
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
      if (this.active.has(runId) || this.resting.has(nameTurn(run))) continue;
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
      if (this.options.dispatcher === undefined) this.lookNow();
    });
    this.active.set(runId, done);
  }

  private async carryOut(run: FoundRun): Promise<void> {
    const { dispatcher, pollMs } = this.options;
    const { _id: runId, token } = run;
    try {
      if (dispatcher === undefined) {
        const { wasTaken } = await this.handle(runId);
        if (!wasTaken) this.letRest(run, PASSED_OVER_MS);
      } else {
        await withinTime(dispatcher.dispatch({ runId, token }), DISPATCH_LIMIT_MS, "take a run");
        this.letRest(run, DISPATCHED_MS);
      }
    } catch (error) {
      this.letRest(run, pollMs);
      this.reportFailure(dispatcher === undefined ? "handle" : "dispatch", runId, error);
    }
  }

  private letRest(run: FoundRun, milliseconds: number): void {
    const untilMs = performance.now() + milliseconds;
    this.resting.set(nameTurn(run), { untilMs, wakeAtMs: run.wake_at?.getTime() ?? 0 });
  }

  private endRests(): void {
    const nowMs = performance.now();
    for (const [turn, { untilMs }] of this.resting) {
      if (untilMs <= nowMs) this.resting.delete(turn);
    }
  }

  /** Forgets those that are not found where they would stand: somebody has taken them. */
  private forgetTaken(found: readonly FoundRun[], areAll: boolean): void {
    const turns = new Set(found.map(nameTurn));
    const lastMs = areAll ? Infinity : (found.at(-1)?.wake_at?.getTime() ?? 0);
    for (const [turn, { wakeAtMs }] of this.resting) {
      if (wakeAtMs < lastMs && !turns.has(turn)) this.resting.delete(turn);
    }
  }

  /** Waits for the next look. */
  private async rest(): Promise<void> {
    if (this.isLookAsked) return;
    const nowMs = performance.now();
    const pollMs = this.options.pollMs * (1 + JITTER * (2 * Math.random() - 1));
    const ends = [...this.resting.values()].map(({ untilMs }) => untilMs);
    const restMs = Math.min(...ends) - nowMs;
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
    operation: WorkerFailureEvent["operation"],
    runId: string | undefined,
    error: unknown,
  ): void {
    reportRunEvent(this.options.onEvent, { type: "worker-failure", operation, runId, error });
  }
}

/** How long a turn of a run is left alone. */
interface Rest {
  /** By this process's monotonic clock. */
  readonly untilMs: number;
  /** When it was due, by the server's clock. */
  readonly wakeAtMs: number;
}

/** Names one turn of a run: when it was taken, the next one begins. */
function nameTurn({ _id: runId, token }: FoundRun): string {
  return `${token} ${runId}`;
}

/** @throws Error if it takes longer; then nobody hears what comes of it */
async function withinTime<T>(asked: Promise<T>, limitMs: number, what: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const message = `The dispatcher's engine did not ${what} within ${limitMs / 1_000} s. Is it running?`;
  const timer = setTimeout(() => reject(new Error(message)), limitMs);
  try {
    return await Promise.race([asked, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Workers that find the same runs begin with different ones. */
function shuffle<T>(list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, place: Math.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
