import { setTimeout as sleep } from "node:timers/promises";
import type { Dispatcher, DispatcherContext, DueRun } from "./dispatcher.ts";

/** An engine that is down may never answer. */
const DISPATCH_LIMIT_MS = 15_000;

/** How long the engine may take to stop when its runs have ended. */
const STOP_LIMIT_MS = 5_000;

/** What a worker does for its engine. */
export interface EngineUser {
  readonly concurrency: number;
  /** Milliseconds between two attempts to start the engine. */
  readonly retryMs: number;
  readonly stopped: AbortSignal;
  /** Goes on with a run that the engine has brought. Never rejects. */
  readonly carryOut: (runId: string) => Promise<void>;
  readonly reportFailure: (error: unknown) => void;
}

/** A worker's side of an engine: starts it until it runs, and waits for nothing that may never come. */
export class EngineLink {
  readonly #dispatcher: Dispatcher;
  readonly #user: EngineUser;
  readonly #brought = new Set<Promise<void>>();
  #started: Promise<void> | undefined;

  constructor(dispatcher: Dispatcher, user: EngineUser) {
    this.#dispatcher = dispatcher;
    this.#user = user;
  }

  /** How many runs that the engine has brought are being carried out. */
  get activeCount(): number {
    return this.#brought.size;
  }

  start(): void {
    this.#started ??= this.#start();
  }

  /** @throws Error if it fails, or the engine does not answer */
  dispatch(run: DueRun): Promise<unknown> {
    return withinTime(this.#dispatcher.dispatch(run), DISPATCH_LIMIT_MS, "take a run");
  }

  /** Has the engine bring no more runs, and ends when those have ended that it has brought. */
  async stop(): Promise<void> {
    if (this.#started === undefined) return;
    const stopping = this.#started.then(() => this.#dispatcher.stop?.());
    // It may fail before it is waited for.
    stopping.catch(() => undefined);
    await Promise.all(this.#brought);
    try {
      await withinTime(stopping, STOP_LIMIT_MS, "stop");
    } catch (error) {
      this.#user.reportFailure(error);
    }
  }

  async #start(): Promise<void> {
    const { concurrency, retryMs, stopped, reportFailure } = this.#user;
    const context: DispatcherContext = {
      concurrency,
      reportFailure,
      carryOut: (runId) => this.#carryOut(runId),
    };
    while (!stopped.aborted) {
      try {
        await this.#dispatcher.start?.(context);
        return;
      } catch (error) {
        reportFailure(error);
        await sleep(retryMs, undefined, { signal: stopped }).catch(() => undefined);
      }
    }
  }

  async #carryOut(runId: string): Promise<void> {
    const done = this.#user.carryOut(runId);
    this.#brought.add(done);
    await done;
    this.#brought.delete(done);
  }
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
