import "../check-node.ts";
import { z } from "zod";
import { checkOptions } from "../options/check-options.ts";
import type { Dispatcher, DispatcherContext, DueRun } from "../runs/dispatcher.ts";

export type { Dispatcher, DispatcherContext, DueRun } from "../runs/dispatcher.ts";

/** What is used of a job of Agenda. */
export interface AgendaJob {
  /** What the job was created with. */
  // oxlint-disable-next-line typescript/no-explicit-any -- as each version declares it
  readonly attrs: { readonly data?: any };
  /** Sets when it runs. */
  schedule(time: Date): unknown;
  /** Sets which other job makes it needless. */
  // oxlint-disable-next-line typescript/no-explicit-any -- as each version declares it
  unique(query: any, options?: { insertOnly?: boolean }): unknown;
  /** Stores it. */
  save(): Promise<unknown>;
  /** Renews its lock. */
  touch(): Promise<unknown>;
  /** Removes it. */
  remove(): Promise<unknown>;
}

/** What is used of Agenda: version 6, with any backend. */
export interface AgendaEngine {
  /** Says what is to be done with jobs of a name. */
  define(
    name: string,
    // oxlint-disable-next-line typescript/no-explicit-any -- its own type of jobs
    processor: (job: any) => Promise<void>,
    options?: {
      concurrency?: number;
      lockLimit?: number;
      lockLifetime?: number;
      removeOnComplete?: boolean;
    },
  ): void;
  /** Makes a job. */
  create(name: string, data: unknown): AgendaJob;
  /** Begins to work. */
  start(): Promise<void>;
  /** Stops working. */
  stop(): Promise<void>;
}

/** Options of `createAgendaDispatcher`. */
export interface AgendaDispatcherOptions {
  /**
   * The agenda. The worker starts it, and stops it when it stops. Its `processEvery` sets how long a run waits before
   * it is begun: 5 s by default.
   */
  agenda: AgendaEngine;
  /**
   * The name of the jobs.
   *
   * @default "threadkeep run"
   */
  jobName?: string | undefined;
}

/**
 * A job whose process is gone is given to another one after so long, which finds that the run is done or taken. Agenda
 * leaves a timer of half of this time for each job, which keeps a process that is to end by itself.
 */
const LOCK_LIFETIME_MS = 30_000;
const TOUCH_EVERY_MS = 10_000;

const METHODS = ["define", "create", "start", "stop"] as const;

const schema = z.strictObject({
  agenda: z.custom<AgendaEngine>(isAgenda, "an Agenda of version 6"),
  jobName: z.string().min(1).max(256).default("threadkeep run"),
});

/**
 * Brings due runs to processes by [Agenda](https://github.com/agenda/agenda) 6, on the MongoDB that is there anyway.
 * The option `dispatcher` of a `RecoveryWorker` takes it. Every such worker hands over what is due, and carries out
 * what Agenda gives to its process.
 *
 * @throws InvalidOptionsError if options are wrong, missing or unknown: lists all of them
 *
 * @example
 * ```ts
 * const agenda = new Agenda({
 *   backend: new MongoBackend({ mongo: client.db("agents") }),
 *   processEvery: "1 second",
 * });
 * const dispatcher = createAgendaDispatcher({ agenda });
 * new RecoveryWorker({ saver, graphs, dispatcher }).start();
 * ```
 */
export function createAgendaDispatcher(options: AgendaDispatcherOptions): Dispatcher {
  const { agenda, jobName } = checkOptions("createAgendaDispatcher", schema, options);
  return new AgendaDispatcher(agenda, jobName);
}

class AgendaDispatcher implements Dispatcher {
  readonly #agenda: AgendaEngine;
  readonly #jobName: string;
  readonly #running = new Map<AgendaJob, Promise<void>>();

  constructor(agenda: AgendaEngine, jobName: string) {
    this.#agenda = agenda;
    this.#jobName = jobName;
  }

  async dispatch({ runId, token }: DueRun): Promise<void> {
    const job = this.#agenda.create(this.#jobName, { runId, token });
    job.schedule(new Date());
    // A job that a process has locked may be of one that is gone, and one that will not run again serves nothing.
    const waiting = { lockedAt: null, nextRunAt: { $ne: null } };
    job.unique({ "data.runId": runId, "data.token": token, ...waiting }, { insertOnly: true });
    await job.save();
  }

  async start({ carryOut, concurrency }: DispatcherContext): Promise<void> {
    const options = {
      concurrency,
      // Agenda would lock all jobs that there are, and other processes could do nothing.
      lockLimit: concurrency,
      lockLifetime: LOCK_LIFETIME_MS,
      removeOnComplete: true,
    };
    this.#agenda.define(this.#jobName, (job: AgendaJob) => this.#process(job, carryOut), options);
    await this.#agenda.start();
  }

  async stop(): Promise<void> {
    await this.#agenda.stop();
    const jobs = [...this.#running.keys()];
    await Promise.all(this.#running.values());
    // Agenda would remove them too, but its end cannot be waited for.
    await Promise.allSettled(jobs.map((job) => job.remove()));
  }

  #process(job: AgendaJob, carryOut: DispatcherContext["carryOut"]): Promise<void> {
    const touching = setInterval(() => {
      // If it fails, another process gets the job, finds that the run is taken, and does nothing.
      job.touch().catch(() => undefined);
    }, TOUCH_EVERY_MS).unref();
    const { runId } = job.attrs.data as Pick<DueRun, "runId">;
    const done = carryOut(runId).finally(() => {
      clearInterval(touching);
      this.#running.delete(job);
    });
    this.#running.set(job, done);
    return done;
  }
}

function isAgenda(value: unknown): boolean {
  const agenda = value as Partial<Record<(typeof METHODS)[number], unknown>> | null | undefined;
  return METHODS.every((name) => typeof agenda?.[name] === "function");
}
