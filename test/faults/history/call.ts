/** A hash of a value: enough to tell whether what was read is what was written. */
export type Digest = string;

/** One write of a task: its channel, and what was written. */
export type WrittenValue = readonly [channel: string, value: Digest];

/** A namespace of a thread. */
export interface Place {
  readonly thread: string;
  readonly namespace: string;
}

/** A call of a saver, as far as the checker has to know it. */
export type Call =
  | PutCall
  | PutWritesCall
  | GetTupleCall
  | ListCall
  | { readonly op: "deleteThread" | "sweep" | "verifyThread"; readonly thread: string };

export interface PutCall extends Place {
  readonly op: "put";
  readonly checkpoint: string;
  readonly parent: string | null;
  readonly content: Digest;
}

export interface PutWritesCall extends Place {
  readonly op: "putWrites";
  readonly checkpoint: string;
  readonly task: string;
  readonly writes: readonly WrittenValue[];
}

export interface GetTupleCall extends Place {
  readonly op: "getTuple";
  /** Null for the latest one. */
  readonly checkpoint: string | null;
}

export interface ListCall extends Place {
  readonly op: "list";
  /** Null for all of them. */
  readonly limit: number | null;
}

/** A checkpoint as a call returned it. */
export interface Seen {
  readonly checkpoint: string;
  readonly parent: string | null;
  readonly content: Digest;
  /** Pending writes by task. */
  readonly writes: Readonly<Record<string, readonly WrittenValue[]>>;
}

/** What a call returned: nothing for those that write. */
export type Result =
  | { readonly tuples: readonly Seen[] }
  | { readonly damages: readonly string[] }
  | Readonly<Record<string, never>>;

/** What a call threw. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  /** The code of one of this package's own errors; null for any other one. */
  readonly code: string | null;
}
