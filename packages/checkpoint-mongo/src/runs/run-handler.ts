import { randomUUID } from "node:crypto";
import { shareServerClock } from "../driver/server-clock.ts";
import { LeaseLostError } from "../errors/lease-lost-error.ts";
import { RunNotFoundError } from "../errors/run-not-found-error.ts";
import { ThreadLeasedError } from "../errors/thread-leased-error.ts";
import { UnknownGraphError } from "../errors/unknown-graph-error.ts";
import { SaverAccess } from "./access-saver.ts";
import { describeError, isDrained } from "./describe-error.ts";
import { describeRun, type WaitingFor } from "./describe-run.ts";
import { shareDueSignal, type DueSignal } from "./due-signal.ts";
import { reportRunEvent } from "./events.ts";
import { executeRun, type Executed, type StopSignals } from "./execute-run.ts";
import { isAccepted, matchAccepted } from "./graphs.ts";
import {
  resolveHandlerOptions,
  type ResolvedHandlerOptions,
  type RunHandlerOptions,
} from "./handler-options.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import type { RunDocument } from "./run-document.ts";
import { parseRunId } from "./run-id.ts";
import type { HeldLease, RunRecord } from "./run-store.ts";
import { storeValue } from "./run-values.ts";
import type { Run } from "./run.ts";

/** How one call of a {@link RunHandler} is stopped. */
export interface HandleOptions {
  /** Stops the graph after its superstep. The run is queued again. */
  readonly drain?: AbortSignal | undefined;
  /** Aborts the graph. The run is queued again. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Goes on with a run, if its time has come and nobody else has it. Otherwise nothing happens. So it may be called
 * with any run, at any time, and as often as a queue delivers.
 *
 * @returns the run as it stands then
 */
export type RunHandler = (runId: string, options?: HandleOptions) => Promise<Run>;

/**
 * Makes the function that goes on with a run, for any dispatcher. It takes the run's lease, starts the graph or goes
 * on from the newest checkpoint, renews the lease meanwhile, and records what came of it.
 *
 * The function throws a `RunNotFoundError` if there is no such run, and an `UnknownGraphError` if a run is due whose
 * graph, or whose version of it, is not there. What a graph throws is recorded and not thrown.
 *
 * @throws InvalidOptionsError if options are wrong, missing or unknown: lists all of them
 *
 * @example
 * ```ts
 * const handle = createRunHandler({ saver, graphs: { research: graph } });
 * queue.process((job) => handle(job.data.runId));
 * ```
 */
export function createRunHandler(options: RunHandlerOptions): RunHandler {
  const handler = new Handler(resolveHandlerOptions(options));
  return async (runId, how = {}) => (await handler.handle(parseRunId(runId), how)).run;
}

/** What a call came to. */
export interface Handled {
  readonly run: Run;
  /** Whether the run was taken. */
  readonly wasTaken: boolean;
}

/** What a {@link RunHandler} works with. */
export class Handler {
  readonly #options: ResolvedHandlerOptions;
  readonly #access: SaverAccess;
  readonly #accepted: object;
  readonly #signal: DueSignal;

  constructor(options: ResolvedHandlerOptions) {
    this.#options = options;
    this.#access = new SaverAccess(options.saver, options.expiresAfterMs);
    this.#accepted = matchAccepted(options.graphs);
    this.#signal = shareDueSignal(options.saver["client"]);
  }

  async handle(runId: string, { drain, signal }: HandleOptions): Promise<Handled> {
    if (drain?.aborted === true || signal?.aborted === true) {
      return { run: await this.#read(runId), wasTaken: false };
    }
    const { leaseMs, worker } = this.#options;
    const request = { lease: randomUUID(), worker, ttlMs: leaseMs, accepted: this.#accepted };
    const takenMs = performance.now();
    const taken = await this.#access.reach("taking a run", ({ store }) =>
      store.take(runId, request),
    );
    if (taken === undefined) return { run: await this.#passOver(runId), wasTaken: false };
    const { token, attempts, thread_id: threadId } = taken;
    reportRunEvent(this.#options.onEvent, { type: "run-taken", runId, threadId, token, attempts });
    const lease = { runId, token, lease: request.lease };
    const keeper = new LeaseKeeper(this.#access, lease, leaseMs, takenMs);
    const stopListening = this.#signal.onCancel((id) => {
      if (id === runId) keeper.cancel();
    });
    try {
      const record = await this.#carryOut(taken, keeper, { drain, signal });
      const run =
        record === undefined ? await this.#lose(lease) : await this.#record(taken, lease, record);
      return { run, wasTaken: true };
    } finally {
      stopListening();
      keeper.giveBack();
    }
  }

  /** @returns undefined if the lease was lost */
  async #carryOut(
    taken: RunDocument,
    keeper: LeaseKeeper,
    { drain, signal }: HandleOptions,
  ): Promise<RunRecord | undefined> {
    if (taken.cancel === true) return CANCELLED;
    if (taken.attempts > this.#options.maxAttempts) return this.#giveUp(taken);
    const abort = AbortSignal.any([keeper.signal, ...(signal === undefined ? [] : [signal])]);
    try {
      const executed = await this.#execute(taken, keeper, { drain, abort });
      if (keeper.end === "cancelled") return CANCELLED;
      return keeper.end === undefined ? await this.#conclude(taken, executed) : undefined;
    } catch (error) {
      if (keeper.end === "cancelled") return CANCELLED;
      if (keeper.end !== undefined) return undefined;
      if (isDrained(error) || signal?.aborted === true) return this.#handBack(taken, keeper, 0);
      const othersUntil = findOtherHolder(error, taken.thread_id);
      if (othersUntil !== undefined) return this.#standBack(taken, keeper, othersUntil);
      return this.#fail(taken, keeper, error);
    }
  }

  async #execute(taken: RunDocument, keeper: LeaseKeeper, stop: StopSignals): Promise<Executed> {
    const { graph } = this.#options.graphs.get(taken.graph)!;
    const parts = { access: this.#access, options: this.#options };
    const { saver, leaseMs } = this.#options;
    const ttlMs = Math.max(MIN_THREAD_LEASE_MS, leaseMs);
    return saver.withLease(
      taken.thread_id,
      (lease) => {
        const abort = AbortSignal.any([stop.abort, lease.signal]);
        return executeRun(parts, graph!, taken, { keeper, lease }, { ...stop, abort });
      },
      { ttlMs, waitMs: ttlMs * WAIT_SHARE, signal: stop.abort },
    );
  }

  async #conclude(taken: RunDocument, { standing, checkpointId }: Executed): Promise<RunRecord> {
    const settled = { attempts: 0, answer: null, answered: null, error: null };
    const fields = { ...settled, checkpoint_id: checkpointId, cancel: null };
    if (standing.kind === "done") return { status: "done", fields: { ...fields, waiting: null } };
    const waiting = await this.#storeWaiting(taken, standing.for);
    const times = standing.for.interrupts.flatMap(({ wakeAtMs }) => wakeAtMs ?? []);
    const wakeAt = times.length === 0 ? undefined : new Date(Math.min(...times));
    return { status: "waiting", wakeAt, fields: { ...fields, waiting } };
  }

  async #storeWaiting(
    { _id: runId, thread_id: threadId, turn }: RunDocument,
    value: WaitingFor,
  ): Promise<unknown> {
    const place = { runId, threadId, part: "waiting", turn };
    const typed = await this.#access.encode(value, "waiting");
    return this.#access.reach("storing what a run waits for", ({ context }) =>
      storeValue(context, place, typed),
    );
  }

  /** The run was taken as often as it may be, and no worker came to its end. */
  #giveUp({ attempts, error }: RunDocument): RunRecord {
    const message =
      `${attempts - 1} workers in a row took the run and were gone before it got further. It may use too much ` +
      "memory, block the event loop for longer than leaseMs, or end its process.";
    return { status: "dead", fields: { error: error ?? { name: "WorkersLostError", message } } };
  }

  /** Somebody else has the run's thread: the run waits for the end of that lease, and does not keep its place here. */
  #standBack(taken: RunDocument, keeper: LeaseKeeper, until: Date): RunRecord {
    const leftMs = until.getTime() - this.#estimateTime();
    const waitMs = Math.min(this.#options.leaseMs, Math.max(MIN_STAND_BACK_MS, leftMs));
    return this.#handBack(taken, keeper, waitMs);
  }

  /** The run does not go on here, through no fault of its own. */
  #handBack(
    { attempts }: RunDocument,
    { gotFurther }: LeaseKeeper,
    wakeAfterMs: number,
  ): RunRecord {
    const left = gotFurther ? 0 : attempts - 1;
    return { status: "queued", wakeAfterMs, fields: { attempts: left } };
  }

  #fail(taken: RunDocument, { gotFurther }: LeaseKeeper, error: unknown): RunRecord {
    const { isFinal, maxAttempts, backoff } = this.#options;
    const attempts = gotFurther ? 1 : taken.attempts;
    const fields = { attempts, error: describeError(error) };
    if (isFinal(error)) return { status: "failed", fields };
    if (attempts >= maxAttempts) return { status: "dead", fields };
    const boundMs = Math.min(backoff.maxMs, backoff.firstMs * 2 ** (attempts - 1));
    return { status: "queued", wakeAfterMs: boundMs * (0.5 + Math.random() / 2), fields };
  }

  async #record(taken: RunDocument, lease: HeldLease, record: RunRecord): Promise<Run> {
    const run = await this.#access.reach("recording a run", async ({ context, store }) => {
      const recorded = await store.record(lease, record);
      if (recorded === undefined) return undefined;
      if (recorded.slot !== "") await this.#letNextOn(taken.thread_id);
      return describeRun(context, recorded);
    });
    if (run === undefined) return this.#lose(lease);
    reportRunEvent(this.#options.onEvent, { type: "run-recorded", run });
    if (run.status === "queued") this.#signal.due();
    return run;
  }

  async #lose({ runId, token }: HeldLease): Promise<Run> {
    reportRunEvent(this.#options.onEvent, { type: "run-lease-lost", runId, token });
    return this.#read(runId);
  }

  /** The run is not to be taken: why does not matter, unless nobody else takes it. */
  async #passOver(runId: string): Promise<Run> {
    const run = await this.#read(runId);
    const { graph, version, threadId, wakeAt } = run;
    const isDue = wakeAt !== undefined && wakeAt.getTime() <= this.#estimateTime();
    if (run.isBehindAnother) {
      await this.#access.reach("postponing a run", ({ store }) => store.postpone(runId));
      await this.#letNextOn(threadId);
    } else if (isDue && !isAccepted(this.#options.graphs, { graph, version })) {
      const name = version === undefined ? graph : `${graph}, version ${version}`;
      throw new UnknownGraphError(name, [...this.#options.graphs.keys()]);
    }
    return run;
  }

  async #letNextOn(threadId: string): Promise<void> {
    const next = await this.#access.reach("letting the next run on", ({ store }) =>
      store.promoteNext(threadId),
    );
    if (next !== undefined) this.#signal.due();
  }

  #estimateTime(): number {
    return shareServerClock(this.#options.saver["client"]).nowMs();
  }

  #read(runId: string): Promise<Run> {
    return this.#access.reach("reading a run", async ({ context, store }) => {
      const document = await store.find(runId);
      if (document === undefined) throw new RunNotFoundError(runId);
      return describeRun(context, document);
    });
  }
}

/** The shortest lease of a thread. */
const MIN_THREAD_LEASE_MS = 1_000;

/**
 * A worker that died leaves two leases. Each was renewed three times in its time, at a moment of its own. So that of the
 * thread ends by a third later than that of the run at most.
 */
const WAIT_SHARE = 1 / 3;

const MIN_STAND_BACK_MS = 250;

/** Until when somebody else has a thread, if that is what an error says. */
function findOtherHolder(error: unknown, threadId: string): Date | undefined {
  if (ThreadLeasedError.isInstance(error) && error.threadId === threadId) return error.until;
  // Whoever has it by now has just taken it.
  return LeaseLostError.isInstance(error) && error.threadId === threadId ? new Date(0) : undefined;
}

const CANCELLED: RunRecord = { status: "cancelled", fields: { cancel: null } };
