import "../check-node.ts";
import { Queue, Worker, type ConnectionOptions } from "bullmq";
import { z } from "zod";
import { checkOptions } from "../options/check-options.ts";
import type { Dispatcher, DispatcherContext, DueRun } from "../runs/dispatcher.ts";

export type { Dispatcher, DispatcherContext, DueRun } from "../runs/dispatcher.ts";

/** Options of `createBullMQDispatcher`. */
export interface BullMQDispatcherOptions {
  /** The connection to Redis or Valkey, as BullMQ takes it. */
  connection: ConnectionOptions;
  /**
   * The name of the queue.
   *
   * @default "threadkeep-runs"
   */
  queueName?: string | undefined;
  /**
   * What the queue's keys in Redis begin with.
   *
   * @default "bull": BullMQ's own
   */
  prefix?: string | undefined;
}

const schema = z.strictObject({
  connection: z.custom<ConnectionOptions>(
    (value) => typeof value === "object" && value !== null,
    "a connection as BullMQ takes it, for example { host, port }",
  ),
  queueName: z
    .string()
    .min(1)
    .regex(/^[^:]*$/u, "a name without colons")
    .default("threadkeep-runs"),
  prefix: z.string().min(1).optional(),
});

/**
 * Brings due runs to processes by [BullMQ](https://docs.bullmq.io), where there is a Redis or Valkey. The option
 * `dispatcher` of a `RecoveryWorker` takes it. Every such worker hands over what is due, and carries out what BullMQ
 * gives to its process. What Redis loses is handed over again.
 *
 * @throws InvalidOptionsError if options are wrong, missing or unknown: lists all of them
 *
 * @example
 * ```ts
 * const dispatcher = createBullMQDispatcher({ connection: { host: "127.0.0.1", port: 6379 } });
 * new RecoveryWorker({ saver, graphs, dispatcher }).start();
 * ```
 */
export function createBullMQDispatcher(options: BullMQDispatcherOptions): Dispatcher {
  const { queueName, connection, prefix } = checkOptions("createBullMQDispatcher", schema, options);
  return new BullMQDispatcher(queueName, {
    connection,
    ...(prefix !== undefined && { prefix }),
  });
}

interface Place {
  readonly connection: ConnectionOptions;
  readonly prefix?: string;
}

type JobData = Pick<DueRun, "runId">;

class BullMQDispatcher implements Dispatcher {
  readonly #queueName: string;
  readonly #place: Place;
  #queue: Queue<JobData> | undefined;
  #worker: Worker<JobData> | undefined;
  #reportFailure: (error: unknown) => void = () => {};

  constructor(queueName: string, place: Place) {
    this.#queueName = queueName;
    this.#place = place;
  }

  async dispatch({ runId, token }: DueRun): Promise<void> {
    this.#queue ??= this.#openQueue();
    await this.#queue.add(
      "run",
      { runId },
      {
        // A job by this name that is there already serves this turn of the run. BullMQ refuses colons.
        jobId: `run-${token}-${encodeURIComponent(runId)}`,
        removeOnComplete: true,
        removeOnFail: true,
      },
    );
  }

  start({ carryOut, concurrency, reportFailure }: DispatcherContext): Promise<void> {
    this.#reportFailure = reportFailure;
    const options = { ...this.#place, concurrency };
    this.#worker = new Worker(this.#queueName, ({ data: { runId } }) => carryOut(runId), options);
    // Without a listener, the process would end.
    this.#worker.on("error", reportFailure);
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    await this.#worker?.close();
    await this.#queue?.close();
  }

  #openQueue(): Queue<JobData> {
    const queue = new Queue<JobData>(this.#queueName, this.#place);
    queue.on("error", (error) => this.#reportFailure(error));
    return queue;
  }
}
