import type { Run } from "./run.ts";

/** A worker has taken a run. */
export interface RunTakenEvent {
  /** Tells events apart. */
  readonly type: "run-taken";
  /** The run. */
  readonly runId: string;
  /** Its thread. */
  readonly threadId: string;
  /** The fencing token. */
  readonly token: number;
  /** How often it was taken since it last got further, with this time. */
  readonly attempts: number;
}

/** A worker has recorded what came of a run, and has given it back. */
export interface RunRecordedEvent {
  /** Tells events apart. */
  readonly type: "run-recorded";
  /** The run as it stands now. */
  readonly run: Run;
}

/** A worker has lost the lease of a run. It stores nothing more for it. */
export interface RunLeaseLostEvent {
  /** Tells events apart. */
  readonly type: "run-lease-lost";
  /** The run. */
  readonly runId: string;
  /** The fencing token of the lost lease. */
  readonly token: number;
}

/** Runs are due that no graph of this worker can go on with. Other workers may. Reported once a minute at most. */
export interface RunsNotAcceptedEvent {
  /** Tells events apart. */
  readonly type: "runs-not-accepted";
  /** The name of their graph. */
  readonly graph: string;
  /** Its version. */
  readonly version: string | undefined;
  /** How many they are, up to 1,000 of all graphs. */
  readonly count: number;
}

/** A worker could not look for runs, hand one over, or record what came of one, or its engine failed. It tries again. */
export interface WorkerFailureEvent {
  /** Tells events apart. */
  readonly type: "worker-failure";
  /** What it was doing. */
  readonly operation: "poll" | "dispatch" | "handle" | "engine";
  /** The run, if it was about one. */
  readonly runId: string | undefined;
  /** The error, for example a `StorageUnavailableError`. */
  readonly error: unknown;
}

/**
 * A worker does not hear at once of what other processes do with runs. It finds the same runs when it looks next, each
 * `pollMs`.
 */
export interface RunsNotWatchedEvent {
  /** Tells events apart. */
  readonly type: "runs-not-watched";
  /** Whether this server or client has no change streams, or the stream broke and is being opened again. */
  readonly reason: "unsupported" | "broken";
  /** What the driver threw. */
  readonly error: unknown;
}

/** An event of a handler or a worker; told apart by `type`. */
export type RunEvent =
  | RunTakenEvent
  | RunRecordedEvent
  | RunLeaseLostEvent
  | RunsNotAcceptedEvent
  | RunsNotWatchedEvent
  | WorkerFailureEvent;

/** A function that gets the events. */
export type ReportRunEvent = (event: RunEvent) => void;

/** Reports an event. A listener that throws breaks no run. */
export function reportRunEvent(report: ReportRunEvent | undefined, event: RunEvent): void {
  try {
    report?.(event);
  } catch (error) {
    process.emitWarning(`The onEvent of a worker threw: ${String(error)}`, {
      type: "ThreadkeepWarning",
    });
  }
}
