import { SaverAccess } from "./access-saver.ts";
import { shareDueSignal } from "./due-signal.ts";
import { reportRunEvent } from "./events.ts";
import { matchAccepted } from "./graphs.ts";
import {
  resolveWorkerOptions,
  type RecoveryWorkerOptions,
  type ResolvedWorkerOptions,
} from "./handler-options.ts";
import { Handler } from "./run-handler.ts";

/** Polls of many workers must not meet: each wait differs by up to this share. */
const JITTER = 0.25;

/** How often a worker looks for runs that it cannot go on with. */
const LOOK_FOR_OTHERS_MS = 60_000;

/** How long a run that was handed to another process is not handed over again. */
const DISPATCHED_MS = 30_000;

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
  private readonly dispatched = new Map<string, number>();
  private readonly drain = new AbortController();
  private readonly abort = new AbortController();
  private loop: Promise<void> | undefined;
  private wake: (() => void) | undefined;
  private isLookAsked = false;
  private lookedForOthersMs = 0;

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
    const stopListening = shareDueSignal(this.options.saver["client"]).onDue(() => this.lookNow());
    try {
      while (!this.drain.signal.aborted) {
        const isMore = await this.look();
        if (!isMore) await this.rest();
      }
    } finally {
      stopListening();
    }
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
      // More than there is room for: other workers take some of them at the same time.
      const limit = this.active.size + 2 * free + this.dispatched.size;
      const due = await this.access.reach("looking for runs", ({ store }) =>
        store.findDue(this.accepted, limit),
      );
      this.forgetDispatched();
      const ids = due.map(({ _id }) => _id).filter((id) => !this.isInHand(id));
      const chosen = shuffle(ids).slice(0, free);
      for (const runId of chosen) this.begin(runId);
      await this.lookForOthers();
      return chosen.length === free && ids.length > free;
    } catch (error) {
      this.reportFailure("poll", undefined, error);
      return false;
    }
  }

  private begin(runId: string): void {
    const done = this.carryOut(runId).finally(() => {
      this.active.delete(runId);
      this.lookNow();
    });
    this.active.set(runId, done);
  }

  private async carryOut(runId: string): Promise<void> {
    const { dispatch } = this.options;
    try {
      if (dispatch === undefined) {
        const how = { drain: this.drain.signal, signal: this.abort.signal };
        await this.handler.handle(runId, how);
      } else {
        this.dispatched.set(runId, performance.now());
        await dispatch(runId);
      }
    } catch (error) {
      this.dispatched.delete(runId);
      this.reportFailure(dispatch === undefined ? "handle" : "dispatch", runId, error);
    }
  }

  /** Waits for the next look. */
  private async rest(): Promise<void> {
    if (this.isLookAsked) return;
    const waitMs = this.options.pollMs * (1 + JITTER * (2 * Math.random() - 1));
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

  private isInHand(runId: string): boolean {
    return this.active.has(runId) || this.dispatched.has(runId);
  }

  private forgetDispatched(): void {
    const sinceMs = performance.now() - DISPATCHED_MS;
    for (const [runId, atMs] of this.dispatched) if (atMs < sinceMs) this.dispatched.delete(runId);
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
