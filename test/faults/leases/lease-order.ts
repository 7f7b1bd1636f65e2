/** What a process that counts up is to do. */
export interface LeaseOrder {
  readonly uri: string;
  readonly dbName: string;
  readonly process: string;
  /** Where it records what it does. */
  readonly file: string;
  /** How far its own clock is ahead of the machine's. */
  readonly clockAheadMs: number;
  readonly seed: number;
}

/** The two threads, by how writers keep out of each other's way. */
export const LEASED = "counted under lease";
export const REJECTING = "counted with reject";

/** How long a lease lasts. */
export const LEASE_TTL_MS = 1_500;

/** What a checkpoint of both threads holds. */
export interface Counted {
  readonly count: number;
  /** The name of the increment. */
  readonly by: string;
  /** The fencing token; 0 without a lease. */
  readonly token: number;
}

/** A line of what a process records of an increment, before it begins and when it has ended. */
export type LeaseLine =
  | { readonly begun: string; readonly thread: string; readonly atMs: number }
  | { readonly done: string; readonly atMs: number }
  | {
      readonly failed: string;
      readonly atMs: number;
      readonly code: string | null;
      readonly message: string;
    };

/** Messages: of a process that is ready, holds a lease or has ended an increment; and to one that is to end. */
export const READY = "ready";
export const HOLDS = "holds";
export const ENDED = "ended";
export const STOP = "stop";
