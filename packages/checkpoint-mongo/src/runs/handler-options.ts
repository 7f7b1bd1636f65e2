import { hostname } from "node:os";
import { z } from "zod";
import { checkOptions } from "../options/check-options.ts";
import { wholeNumber } from "../options/shared-options.ts";
import { isFinalError } from "./describe-error.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { ReportRunEvent } from "./events.ts";
import {
  runsOptions,
  toMilliseconds,
  type ResolvedRunsOptions,
  type RunsOptions,
} from "./runs-options.ts";

/** Options of `createRunHandler`. */
export interface RunHandlerOptions extends RunsOptions {
  /**
   * Milliseconds that a worker may be silent before others take its runs. It renews its leases three times in this
   * time. A node that blocks the event loop for so long loses its run.
   *
   * @default 10_000
   */
  leaseMs?: number | undefined;
  /**
   * How often a run may fail, or take its worker down, without getting further. Then it is `dead`.
   *
   * @default 5
   */
  maxAttempts?: number | undefined;
  /** How long a run waits after a failure: a random time, half of the bound at least. The bound doubles each time. */
  backoff?:
    | {
        /**
         * The first bound, in milliseconds.
         *
         * @default 1_000
         */
        readonly firstMs?: number | undefined;
        /**
         * The last bound, in milliseconds.
         *
         * @default 300_000
         */
        readonly maxMs?: number | undefined;
      }
    | undefined;
  /**
   * Whether a repetition would meet the error again. Then the run is `failed` at once.
   *
   * @default errors of this project's packages whose `isFinal` is true, and errors of LangGraph about the graph itself
   */
  isFinal?: ((error: unknown) => boolean) | undefined;
  /**
   * LangGraph's durability. With `"async"` the last superstep may be run again after a crash, with `"sync"` only
   * the tasks of it that had not finished. With `"exit"` all is run again.
   *
   * @default "async"
   */
  durability?: "async" | "sync" | "exit" | undefined;
  /**
   * The name of this worker, for people.
   *
   * @default the machine's name and the process id
   */
  worker?: string | undefined;
  /**
   * Gets the events that the handler reports.
   *
   * @default undefined: nobody hears of them
   */
  onEvent?: ReportRunEvent | undefined;
}

/** Checked options. */
export interface ResolvedHandlerOptions extends ResolvedRunsOptions {
  readonly leaseMs: number;
  readonly maxAttempts: number;
  readonly backoff: { readonly firstMs: number; readonly maxMs: number };
  readonly isFinal: (error: unknown) => boolean;
  readonly durability: "async" | "sync" | "exit";
  readonly worker: string;
  readonly onEvent: ReportRunEvent | undefined;
}

/** Options of `new RecoveryWorker(…)`. */
export interface RecoveryWorkerOptions extends RunHandlerOptions {
  /**
   * How many runs are carried out at once.
   *
   * @default 4
   */
  concurrency?: number | undefined;
  /**
   * Milliseconds between two looks for runs whose time has come, on average. Each is one command. Runs that become due
   * between two looks are found at once if this process, or with a change stream any, starts, answers or retries them.
   *
   * @default 4_000
   */
  pollMs?: number | undefined;
  /**
   * Whether to hear of runs that other processes start, answer or cancel at once, by a change stream. It keeps one
   * connection of the client busy. Where the server has none, the worker polls alone, and reports
   * `runs-not-watched`.
   *
   * @default true
   */
  watch?: boolean | undefined;
  /**
   * Milliseconds that `stop` waits for graphs to come to the end of their superstep, before it aborts them.
   *
   * @default 25_000
   */
  drainMs?: number | undefined;
  /**
   * Brings due runs to processes by an engine: `createAgendaDispatcher`, `createBullMQDispatcher`, or one of your own.
   *
   * @default undefined: the worker carries out itself what it finds
   */
  dispatcher?: Dispatcher | undefined;
}

/** Checked options. */
export interface ResolvedWorkerOptions extends ResolvedHandlerOptions {
  readonly concurrency: number;
  readonly pollMs: number;
  readonly watch: boolean;
  readonly drainMs: number;
  readonly dispatcher: Dispatcher | undefined;
}

/** The longest time of a timer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function callback<F>(what: string): z.ZodOptional<z.ZodCustom<F, F>> {
  return z.custom<F>((value) => typeof value === "function", what).optional();
}

const handlerShape = {
  ...runsOptions,
  leaseMs: wholeNumber.min(500).max(3_600_000).default(10_000),
  maxAttempts: wholeNumber.min(1).default(5),
  backoff: z
    .strictObject({
      firstMs: z.number().nonnegative().max(MAX_TIMER_MS).default(1_000),
      maxMs: z.number().nonnegative().max(MAX_TIMER_MS).default(300_000),
    })
    .prefault({}),
  isFinal: callback<(error: unknown) => boolean>("a function that takes an error"),
  durability: z.enum(["async", "sync", "exit"]).default("async"),
  worker: z.string().min(1).max(256).optional(),
  onEvent: callback<ReportRunEvent>("a function that takes an event"),
};

const handlerSchema = z.strictObject(handlerShape);

const workerSchema = z.strictObject({
  ...handlerShape,
  concurrency: wholeNumber.min(1).max(1_000).default(4),
  pollMs: wholeNumber.min(50).max(3_600_000).default(4_000),
  watch: z.boolean().default(true),
  drainMs: wholeNumber.nonnegative().max(MAX_TIMER_MS).default(25_000),
  dispatcher: z
    .custom<Dispatcher>(
      (value) => typeof (value as Partial<Dispatcher> | null)?.dispatch === "function",
      "a dispatcher: an object with a method dispatch",
    )
    .optional(),
});

/** @throws InvalidOptionsError if any of them is wrong, with all that are */
export function resolveHandlerOptions(options: RunHandlerOptions): ResolvedHandlerOptions {
  return resolve(checkOptions("createRunHandler", handlerSchema, options));
}

/** @throws InvalidOptionsError if any of them is wrong, with all that are */
export function resolveWorkerOptions(options: RecoveryWorkerOptions): ResolvedWorkerOptions {
  const checked = checkOptions("RecoveryWorker", workerSchema, options);
  const { concurrency, pollMs, watch, drainMs, dispatcher } = checked;
  return { ...resolve(checked), concurrency, pollMs, watch, drainMs, dispatcher };
}

function resolve({
  keepEndedSeconds,
  isFinal = isFinalError,
  worker = `${hostname()}:${process.pid}`,
  ...checked
}: z.output<typeof handlerSchema>): ResolvedHandlerOptions {
  const { onEvent } = checked;
  const expiresAfterMs = toMilliseconds(keepEndedSeconds);
  return { ...checked, expiresAfterMs, isFinal, worker, onEvent };
}
