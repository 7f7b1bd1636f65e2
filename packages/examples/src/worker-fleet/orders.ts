/** What a worker's process is told. */
export interface WorkerOrder {
  readonly uri: string;
  readonly dbName: string;
  readonly name: string;
  /** How many runs it carries out at once. */
  readonly concurrency: number;
  /** How long it may be silent before others take its runs. */
  readonly leaseMs: number;
  /** How long an action takes, on average. */
  readonly stepMs: number;
}

/** What a worker says: that it is there, or that it has taken a run. */
export type WorkerReport =
  | { readonly kind: "ready" }
  | { readonly kind: "taken"; readonly runId: string; readonly token: number };

/** The actions of a run, in this order. */
export const ACTIONS = ["reserve", "charge", "ship", "confirm"] as const;

/** One of them. */
export type Action = (typeof ACTIONS)[number];
