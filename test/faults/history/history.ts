import type { Call, Failure, Result } from "./call.ts";

/** How a call ended; unknown if its process was killed first. */
export type Outcome =
  | { readonly kind: "ok"; readonly atMs: number; readonly result: Result }
  | { readonly kind: "failed"; readonly atMs: number; readonly failure: Failure }
  | { readonly kind: "unknown" };

/** A call and how it ended. Times are of one clock, for all processes of the machine. */
export interface RecordedCall<C extends Call = Call> {
  readonly process: string;
  readonly call: C;
  readonly invokedAtMs: number;
  readonly outcome: Outcome;
  /** Whether the process was killed before the call ended. */
  readonly wasKilled: boolean;
}

/** What holds for a run as a whole. It lies beside what the processes recorded. */
export interface Plan {
  readonly part: "kills" | "server-kills" | "network" | "races" | "leases";
  readonly seed: number;
  readonly threads: readonly PlannedThread[];
}

export interface PlannedThread {
  readonly thread: string;
  readonly namespaces: readonly string[];
  /** Undefined for a thread that stays. */
  readonly ttlMs?: number;
}

/** All that was recorded of a run. */
export interface History {
  readonly plan: Plan;
  readonly calls: readonly RecordedCall[];
}

/** The process that reads everything when all others have ended, and had nothing in memory. */
export const COLD_READER = "cold-reader";

/** When a call had surely had its effect, or would never have one; infinite if nobody knows. */
export function endOf({ outcome }: RecordedCall): number {
  return outcome.kind === "ok" ? outcome.atMs : Infinity;
}
