import { z } from "zod";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { checkOptions } from "../options/check-options.ts";
import type { UnsavedCall } from "./events.ts";
import type { HealthMonitor } from "./health-monitor.ts";
import type { Runs } from "./runs.ts";

/** A `MongoDBSaver`. */
export interface DrainableSaver {
  /** @internal */
  readonly health: HealthMonitor;
  /** @internal */
  readonly runs: Runs;
  /** Stores what is buffered. */
  flush(): Promise<void>;
  /** Closes the saver's connection, if it is its own. */
  close(): Promise<void>;
}

/** How a process ends. */
export interface ShutdownOptions {
  /**
   * Milliseconds after the signal at which the process ends, whatever is still under way. Set it below what your
   * platform gives (Kubernetes: 30 s).
   *
   * @default 10_000
   */
  readonly deadlineMs?: number | undefined;
  /**
   * The signals that begin the end. A second one ends the process at once.
   *
   * @default ["SIGTERM", "SIGINT"]
   */
  readonly signals?: readonly NodeJS.Signals[] | undefined;
  /**
   * Whether the process ends by the signal in the end. Otherwise your program has to end it.
   *
   * @default true
   */
  readonly exit?: boolean | undefined;
  /**
   * Gets what was saved and what was not, before the process ends.
   *
   * @default a warning of the process if something could not be saved
   */
  readonly onReport?: ((report: ShutdownReport) => void) | undefined;
}

/** What an end came to. */
export interface ShutdownReport {
  /** The signal, or what {@link ShutdownHooks.shutDown} was given. */
  readonly reason: string;
  /** Whether all runs that were tracked have ended, and everything was saved. */
  readonly isComplete: boolean;
  /** Runs given to {@link ShutdownHooks.track} that had not ended at the deadline. */
  readonly unfinishedRuns: number;
  /** Calls that did not save what they were given. */
  readonly unsaved: readonly UnsavedCall[];
  /** Milliseconds from the signal on. */
  readonly elapsedMs: number;
}

/** What {@link installShutdownHooks} returns. */
export interface ShutdownHooks {
  /** Whether the end has begun: take no new requests. */
  readonly isShuttingDown: boolean;
  /**
   * Has the end wait for a run, up to the deadline. Returns the promise that it was given.
   *
   * @example
   * ```ts
   * const result = await hooks.track(graph.invoke(input, config));
   * ```
   */
  track<T>(run: Promise<T>): Promise<T>;
  /** Begins the end without a signal, and resolves when all is saved or the deadline has come. Never ends the process. */
  shutDown(reason: string): Promise<ShutdownReport>;
  /** Takes the hooks off the signals again. */
  uninstall(): void;
}

const optionsSchema = z.strictObject({
  deadlineMs: z.number().int().nonnegative().max(2_147_483_647).default(10_000),
  signals: z.array(z.string()).min(1).default(["SIGTERM", "SIGINT"]),
  exit: z.boolean().default(true),
  onReport: z
    .custom<(report: ShutdownReport) => void>((value) => typeof value === "function", "a function")
    .optional(),
});

/**
 * Ends the process in good order on SIGTERM and SIGINT. Runs of graphs that use these savers are asked to stop
 * before their next step (LangGraph's drain, from 1.7 on: `GraphDrained` is thrown, and the thread goes on from its
 * last checkpoint later). Puts that are under way are waited for, and so are tracked runs. Then what is buffered is
 * stored, and savers close the connections that they opened.
 *
 * @example
 * ```ts
 * const hooks = installShutdownHooks(saver, { deadlineMs: 20_000 });
 * const result = await hooks.track(graph.invoke(input, { configurable: { thread_id: "42" } }));
 * ```
 *
 * @throws InvalidOptionsError if an option is wrong or unknown, or there is no saver
 */
export function installShutdownHooks(
  savers: DrainableSaver | readonly DrainableSaver[],
  options: ShutdownOptions = {},
): ShutdownHooks {
  const checked = checkOptions("installShutdownHooks", optionsSchema, options);
  const all = [savers].flat() as readonly DrainableSaver[];
  if (all.length === 0 || all.some((saver) => typeof saver?.health?.watch !== "function")) {
    throw new InvalidOptionsError(
      "installShutdownHooks: expected a MongoDBSaver, or a list of some.",
    );
  }
  const shutdown = new Shutdown(all, checked.deadlineMs);
  const report = checked.onReport ?? warnOfLoss;
  const signals = checked.signals as readonly NodeJS.Signals[];
  const uninstall = (): void => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  function onSignal(signal: NodeJS.Signals): void {
    // The next one ends the process, as if there were no hooks.
    uninstall();
    void shutdown.begin(signal).then((result) => {
      report(result);
      if (checked.exit) process.kill(process.pid, signal);
    });
  }
  for (const saver of all) saver.runs.watch();
  for (const signal of signals) process.on(signal, onSignal);
  return {
    get isShuttingDown() {
      return shutdown.hasBegun;
    },
    track: (run) => shutdown.track(run),
    shutDown: (reason) => shutdown.begin(reason),
    uninstall,
  };
}

function warnOfLoss({ isComplete, reason, unfinishedRuns, unsaved }: ShutdownReport): void {
  if (isComplete) return;
  const threads = [...new Set(unsaved.map(({ threadId }) => JSON.stringify(threadId)))].join(", ");
  process.emitWarning(
    `On ${reason}, ${unsaved.length} calls could not save what they were given` +
      `${threads === "" ? "" : ` (threads ${threads})`}, and ${unfinishedRuns} runs had not ended. ` +
      "These threads go on from their last checkpoint.",
    { type: "ThreadkeepWarning", code: "SHUTDOWN_INCOMPLETE" },
  );
}

/** One end of a process. */
class Shutdown {
  readonly #savers: readonly DrainableSaver[];
  readonly #deadlineMs: number;
  readonly #runs = new Set<Promise<unknown>>();
  #ended: Promise<ShutdownReport> | undefined;

  constructor(savers: readonly DrainableSaver[], deadlineMs: number) {
    this.#savers = savers;
    this.#deadlineMs = deadlineMs;
  }

  get hasBegun(): boolean {
    return this.#ended !== undefined;
  }

  track<T>(run: Promise<T>): Promise<T> {
    const settled: Promise<unknown> = run.then(
      () => this.#runs.delete(settled),
      () => this.#runs.delete(settled),
    );
    this.#runs.add(settled);
    return run;
  }

  begin(reason: string): Promise<ShutdownReport> {
    this.#ended ??= this.#end(reason);
    return this.#ended;
  }

  async #end(reason: string): Promise<ShutdownReport> {
    const startedMs = performance.now();
    const failed: UnsavedCall[] = [];
    for (const { health, runs } of this.#savers) {
      health.onUnsaved = (call) => failed.push(call);
      runs.drain(reason);
    }
    const { promise: deadline, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#deadlineMs);
    await Promise.race([this.#settle().then(() => this.#flush()), deadline]);
    clearTimeout(timer);
    const left = this.#savers.flatMap(({ health }) => Array.from(health.underWay.keys()));
    const unsaved = [
      ...failed,
      ...left.map(({ operation, threadId }) => ({ operation, threadId, error: undefined })),
    ];
    const unfinishedRuns = this.#runs.size;
    // Whatever is under way cannot be waited for, nor can a close.
    if (left.length === 0) await Promise.race([this.#close(), sleepUnreferenced(CLOSE_MS)]);
    return {
      reason,
      isComplete: unsaved.length === 0 && unfinishedRuns === 0,
      unfinishedRuns,
      unsaved,
      elapsedMs: Math.round(performance.now() - startedMs),
    };
  }

  /** A run that ends may put once more, and a put may let a run go on. */
  async #settle(): Promise<void> {
    for (;;) {
      const calls = this.#savers.flatMap(({ health }) => Array.from(health.underWay.values()));
      const open = [...this.#runs, ...calls];
      if (open.length === 0) return;
      await Promise.allSettled(open);
      // What follows a put in LangGraph, such as the put of the next checkpoint, begins within this time.
      await new Promise((resolve) => {
        setTimeout(resolve, QUIET_MS);
      });
    }
  }

  /** What could not be stored was reported, call by call. */
  async #flush(): Promise<void> {
    await Promise.allSettled(this.#savers.map((saver) => saver.flush()));
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#savers.map((saver) => saver.close()));
  }
}

const QUIET_MS = 20;
const CLOSE_MS = 1_000;

function sleepUnreferenced(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
