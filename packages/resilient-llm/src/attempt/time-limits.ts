import type { TimeoutPhase } from "../failure/failure.ts";

/**
 * Time limits of one attempt, in ms. `Infinity` switches one off. A whole answer that is asked for as a
 * stream has those of streams, too.
 */
export interface TimeLimits {
  /** Until the response's headers arrive (streams only). */
  readonly connectMs: number;
  /** Until the first content arrives (streams only). */
  readonly firstTokenMs: number;
  /** Between two pieces of content (streams only). */
  readonly idleMs: number;
  /** For the whole attempt. */
  readonly totalMs: number;
}

/** Which limit counts in each phase of an attempt. */
export const LIMIT_OF_PHASE: Readonly<Record<TimeoutPhase, keyof TimeLimits>> = {
  connect: "connectMs",
  "first-token": "firstTokenMs",
  idle: "idleMs",
  total: "totalMs",
};

/** What has not come when the limit of a phase runs out. */
export const MISSING_IN_PHASE: Readonly<Record<TimeoutPhase, string>> = {
  connect: "no response headers",
  "first-token": "no first token",
  idle: "no further content",
  total: "no complete answer",
};
