/** A step has added far more to a thread than steps of this saver usually do. */
export interface CheckpointGrowthEvent {
  /** Tells the kinds of events apart. */
  readonly type: "checkpoint-growth";
  /** The thread of the checkpoint. */
  readonly threadId: string;
  /** The namespace of the checkpoint: `""` for the graph itself, else that of a subgraph. */
  readonly checkpointNs: string;
  /** The checkpoint that grew. It is stored. */
  readonly checkpointId: string;
  /** The bytes of its state, before compression. */
  readonly bytes: number;
  /** What the step added. */
  readonly addedBytes: number;
  /** What steps usually add. */
  readonly usualBytes: number;
}

/** A thread takes more than `onThreadSize.softLimitBytes`. */
export interface ThreadSizeEvent {
  /** Tells the kinds of events apart. */
  readonly type: "thread-size";
  /** The thread that is too large. It goes on as before. */
  readonly threadId: string;
  /** The bytes of all of its documents, as they are stored. */
  readonly bytes: number;
  /** How many checkpoints it has, of all namespaces. */
  readonly checkpoints: number;
  /** The limit that is exceeded. */
  readonly limitBytes: number;
}

/** A stored state could not be given back. The caller gets the error, too. */
export interface RestoreFailedEvent {
  /** Tells the kinds of events apart. */
  readonly type: "restore-failed";
  /** The method that threw: `getTuple` or `list`. */
  readonly operation: string;
  /** The thread that was asked for; undefined for a list of all. */
  readonly threadId: string | undefined;
  /** What the caller gets. */
  readonly error: unknown;
}

/** A call of the saver has ended. Only listeners of `saver.on` get these. */
export interface OperationEvent {
  /** Tells the kinds of events apart. */
  readonly type: "operation";
  /** The method, for example `put`. */
  readonly operation: string;
  /** The thread that the call was about; undefined if it was about several, or none. */
  readonly threadId: string | undefined;
  /** When it began, in milliseconds since 1970. */
  readonly startedAtMs: number;
  /** How long it took. */
  readonly durationMs: number;
  /** What it threw; undefined if it ended well. */
  readonly error: unknown;
}

/** A call that was to store something, and has not. */
export interface UnsavedCall {
  /** `put` or `putWrites`; `flush` if what was buffered was still being stored. */
  readonly operation: string;
  /** The thread that it was for. */
  readonly threadId: string | undefined;
  /** Why; undefined if it was still under way at the deadline. */
  readonly error: unknown;
}
