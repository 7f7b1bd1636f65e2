/** A run that is due, as it is handed to an engine. */
export interface DueRun {
  /** The run's id. */
  readonly runId: string;
  /**
   * How often the run was taken before. With the id, it names this turn of the run: a job by that name that is waiting
   * already serves it, and a job for an earlier turn does not, whatever became of its worker.
   */
  readonly token: number;
}

/** What a dispatcher works with. */
export interface DispatcherContext {
  /**
   * Goes on with a run in this process, as a `RunHandler` does. Any id may be given, at any time and any number of
   * times. It never rejects: what goes wrong is reported, and the run is handed over again.
   */
  readonly carryOut: (runId: string) => Promise<void>;
  /** How many runs this process carries out at once. */
  readonly concurrency: number;
  /** Reports a failure of the engine as the event `worker-failure`. */
  readonly reportFailure: (error: unknown) => void;
}

/**
 * Brings due runs to the processes that carry them out, by an engine that is there anyway. It may lose runs and bring
 * them twice: a worker hands over again what nobody has taken, and a run is carried out by one process at a time.
 */
export interface Dispatcher {
  /** Hands over a run. It may be called again with the same one, by several workers. */
  dispatch(run: DueRun): Promise<unknown>;
  /**
   * Begins to bring runs to this process. Without it, other processes carry them out: they call a handler of
   * `createRunHandler` with the id.
   */
  start?(context: DispatcherContext): Promise<void>;
  /** Brings no more runs, and ends when those have ended that it has brought. */
  stop?(): Promise<void>;
}
