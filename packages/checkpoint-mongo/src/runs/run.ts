/**
 * Where a run stands:
 *
 * - `queued`: it is stored and waits for a worker, or behind another run of its thread
 * - `running`: a worker has its lease
 * - `waiting`: it waits for an answer, or for a time
 * - `done`: its graph has come to its end
 * - `failed`: its graph threw an error that no repetition would help
 * - `dead`: it failed, or took its worker down, as often as `maxAttempts` allows
 * - `cancelled`: `runs.cancel` ended it
 */
export type RunStatus = "queued" | "running" | "waiting" | "done" | "failed" | "dead" | "cancelled";

/** Something that a run waits for. */
export interface RunInterrupt {
  /** LangGraph's id of the interrupt, for `runs.resume`. */
  readonly id: string;
  /** What the node gave to `interrupt` or `waitForAnswer`. Undefined for a `durableSleep`. */
  readonly value: unknown;
  /** When it ends by itself; undefined if only an answer ends it. */
  readonly wakeAt: Date | undefined;
}

/** Why a run failed. */
export interface RunError {
  /** The name of the error's class. */
  readonly name: string;
  /** Its message, cut after 2,000 characters. */
  readonly message: string;
  /** Its `code`, if it had one. */
  readonly code: string | undefined;
}

/** A run as it stands. */
export interface Run {
  /** The run's id. */
  readonly runId: string;
  /** The thread that it runs on. */
  readonly threadId: string;
  /** The name of its graph. */
  readonly graph: string;
  /** The version of the graph that it was started with. */
  readonly version: string | undefined;
  /** Where it stands. */
  readonly status: RunStatus;
  /** Whether it is queued behind another run of its thread. */
  readonly isBehindAnother: boolean;
  /** How often workers have taken it since it last got further. */
  readonly attempts: number;
  /** How often workers have taken it at all: the fencing token of the last one. */
  readonly token: number;
  /** The worker that has it or had it last, for people. */
  readonly worker: string | undefined;
  /** When somebody has to look at it: when it is due, its lease is over, or it wakes. */
  readonly wakeAt: Date | undefined;
  /** Whether it is to be cancelled and its worker does not know yet. */
  readonly isCancelling: boolean;
  /** What it waits for. */
  readonly interrupts: readonly RunInterrupt[];
  /** Why its last attempt failed. */
  readonly error: RunError | undefined;
  /** The checkpoint at which it ended or waits. */
  readonly checkpointId: string | undefined;
  /** When it was started, by the server's clock. */
  readonly createdAt: Date;
  /** When it was last changed, apart from renewals of its lease. */
  readonly updatedAt: Date;
  /** When it ended. */
  readonly endedAt: Date | undefined;
}

/** Those that no worker takes again. */
const ENDED: ReadonlySet<RunStatus> = new Set(["done", "failed", "dead", "cancelled"]);

/** Whether a run has come to its end. */
export function hasEnded(status: RunStatus): boolean {
  return ENDED.has(status);
}
