import type { CheckpointAddress } from "../address/address.ts";
import { ThreadkeepError } from "../errors/threadkeep-error.ts";
import { CheckpointSizes } from "./checkpoint-sizes.ts";
import type {
  CheckpointGrowthEvent,
  OperationEvent,
  RestoreFailedEvent,
  ThreadSizeEvent,
  UnsavedCall,
} from "./events.ts";
import { Latencies } from "./latencies.ts";
import type { SaverStats } from "./saver-stats.ts";

/** A call that is under way, and stores something. */
export interface CallUnderWay {
  readonly operation: string;
  readonly threadId: string | undefined;
  readonly startedMs: number;
}

/** Calls that store something: whoever ends the process waits for them. */
const STORING: ReadonlySet<string> = new Set(["flush", "put", "putWrites"]);

const READING: ReadonlySet<string> = new Set(["getTuple", "list"]);

/** Errors that say that what is stored cannot be given back. */
const RESTORE_FAILURES: ReadonlySet<string> = new Set([
  "CHECKPOINT_TOO_LARGE",
  "CLASS_NOT_ALLOWED",
  "CORRUPT_CHECKPOINT",
  "INTEGRITY_KEY",
  "UNSUPPORTED_FORMAT",
]);

/** What a monitor reports. */
export type HealthEvent =
  | CheckpointGrowthEvent
  | OperationEvent
  | RestoreFailedEvent
  | ThreadSizeEvent;

/** So many large threads are remembered. One that is forgotten is reported once more. */
const MAX_LARGE_THREADS = 1_000;

/** A thread that was reported is reported again once it has grown so many times as large. */
const REPORT_AGAIN_FACTOR = 2;

/** Where a monitor reports to. */
export interface HealthReporter {
  report(event: HealthEvent): void;
  /** Whether somebody hears of each call. */
  readonly hearsOperations: boolean;
}

/** What takes memory of its own. */
interface Measured {
  readonly underWay: Map<CallUnderWay, Promise<unknown>>;
  readonly latencies: Readonly<Record<string, Latencies>>;
  readonly sizes: CheckpointSizes;
}

/** Counts and measures what one saver does, in constant memory. */
export class HealthMonitor {
  /** Hears of calls that did not store what they were given, while a process ends. */
  onUnsaved: ((call: UnsavedCall) => void) | undefined;
  readonly #reporter: HealthReporter;
  readonly #since = new Date();
  /** Made with the first call: a saver that is not used takes hardly any memory. */
  #measured: Measured | undefined;
  /** The bytes of large threads when they were reported; undefined as long as there was none. */
  #largeThreads: Map<string, number> | undefined;
  #verificationFailures = 0;
  #restoreFailures = 0;
  #retries = 0;
  #conflicts = 0;

  constructor(reporter: HealthReporter) {
    this.#reporter = reporter;
  }

  /** Calls that store something, with their ends. */
  get underWay(): Map<CallUnderWay, Promise<unknown>> {
    return this.#figures.underWay;
  }

  get #figures(): Measured {
    this.#measured ??= {
      underWay: new Map(),
      latencies: {
        getTuple: new Latencies(),
        put: new Latencies(),
        putWrites: new Latencies(),
      },
      sizes: new CheckpointSizes(),
    };
    return this.#measured;
  }

  /** Watches a call. */
  watch<T>(operation: string, threadId: string | undefined, act: () => Promise<T>): Promise<T> {
    const call = { operation, threadId, startedMs: performance.now() };
    const watched = this.#carryOut(call, act);
    if (STORING.has(operation)) this.underWay.set(call, watched);
    return watched;
  }

  async #carryOut<T>(call: CallUnderWay, act: () => Promise<T>): Promise<T> {
    const { operation, threadId } = call;
    try {
      const result = await act();
      const durationMs = performance.now() - call.startedMs;
      this.#figures.latencies[operation]?.record(durationMs);
      this.#reportCall(call, durationMs, undefined);
      return result;
    } catch (error) {
      this.#figures.latencies[operation]?.recordFailure();
      // A flush says for each call that it could not store it.
      if (STORING.has(operation) && operation !== "flush")
        this.onUnsaved?.({ operation, threadId, error });
      this.noteFailure(operation, threadId, error);
      this.#reportCall(call, performance.now() - call.startedMs, error);
      throw error;
    } finally {
      this.underWay.delete(call);
    }
  }

  /** Takes note of what a call throws. */
  noteFailure(operation: string, threadId: string | undefined, error: unknown): void {
    if (!ThreadkeepError.isInstance(error) || !RESTORE_FAILURES.has(error.code)) return;
    if (error.code === "CORRUPT_CHECKPOINT") this.#verificationFailures += 1;
    if (!READING.has(operation)) return;
    this.#restoreFailures += 1;
    this.#reporter.report({ type: "restore-failed", operation, threadId, error });
  }

  /** Takes note of damage that was passed over, before it is reported. */
  reportTo<Event extends { readonly type: string }>(
    report: (event: Event) => void,
  ): (event: Event) => void {
    return (event) => {
      if (event.type === "fall-back") this.#verificationFailures += 1;
      report(event);
    };
  }

  /**
   * Takes note of a checkpoint that was put.
   *
   * @param readParentBytes the bytes of its parent's state, if it has one that is known
   */
  noteCheckpoint(
    { threadId, checkpointNs, checkpointId }: CheckpointAddress,
    size: { readonly bytes: number; readonly addedBytes: number },
    readParentBytes: () => number | undefined,
  ): void {
    const { bytes, addedBytes } = size;
    const abnormal = this.#figures.sizes.add(bytes, addedBytes, readParentBytes);
    if (abnormal === undefined) return;
    const address = { threadId, checkpointNs, checkpointId };
    this.#reporter.report({ type: "checkpoint-growth", ...address, bytes, ...abnormal });
  }

  /** Takes note of how much is stored of a thread, and reports it if that is too much. */
  noteThreadSize(
    threadId: string,
    { bytes, checkpoints }: Pick<ThreadSizeEvent, "bytes" | "checkpoints">,
    limitBytes: number,
  ): void {
    const large = (this.#largeThreads ??= new Map<string, number>());
    const reported = large.get(threadId);
    if (bytes <= limitBytes) {
      large.delete(threadId);
      return;
    }
    if (reported !== undefined && bytes < REPORT_AGAIN_FACTOR * reported) return;
    large.delete(threadId);
    large.set(threadId, bytes);
    for (const oldest of large.keys()) {
      if (large.size <= MAX_LARGE_THREADS) break;
      large.delete(oldest);
    }
    this.#reporter.report({ type: "thread-size", threadId, bytes, checkpoints, limitBytes });
  }

  // Bound: they are handed on by themselves.

  readonly noteRetry = (): void => {
    this.#retries += 1;
  };

  readonly noteConflict = (): void => {
    this.#conflicts += 1;
  };

  /** All figures but those of the cache, which savers share. */
  get stats(): Omit<SaverStats, "cache"> {
    const { latencies, sizes, underWay } = this.#figures;
    const { getTuple, put, putWrites } = latencies;
    return {
      since: this.#since,
      get: getTuple!.stats,
      put: put!.stats,
      putWrites: putWrites!.stats,
      underWay: underWay.size,
      checkpoints: sizes.stats,
      verificationFailures: this.#verificationFailures,
      restoreFailures: this.#restoreFailures,
      retries: this.#retries,
      conflicts: this.#conflicts,
    };
  }

  #reportCall(call: CallUnderWay, durationMs: number, error: unknown): void {
    if (!this.#reporter.hearsOperations) return;
    const { operation, threadId } = call;
    const startedAtMs = Date.now() - durationMs;
    this.#reporter.report({
      type: "operation",
      operation,
      threadId,
      startedAtMs,
      durationMs,
      error,
    });
  }
}
