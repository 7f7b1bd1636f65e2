import type { PlannedThread } from "../history/history.ts";

/** What clients do; how often, of all that they do. */
export interface Mix {
  readonly advance: number;
  readonly fork: number;
  readonly contest: number;
  readonly read: number;
  readonly list: number;
  readonly deleteThread: number;
  readonly sweep: number;
  readonly verifyThread: number;
}

/** What a client's process is told to do, until it is told to stop. */
export interface ClientOrder {
  readonly uri: string;
  readonly dbName: string;
  /** Where it records what it calls, under its name. */
  readonly directory: string;
  readonly process: string;
  readonly seed: number;
  readonly threads: readonly PlannedThread[];
  readonly mix: Mix;
}

/** What it sends back when it is about to make its first call, */
export const READY = "ready";

/** and whenever one has ended. */
export const ENDED = "ended";

/** What it is sent to end after the calls that are under way. */
export const STOP = "stop";
