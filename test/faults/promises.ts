import type { Failure } from "./history/call.ts";
import type { Plan } from "./history/history.ts";

/**
 * What a saver promises that the checker holds it to. All that may change with the packages' own code
 * stands here.
 */

/** Other clients got in first again and again. In every part, several work on one thread. */
const CONFLICT = "WRITE_CONFLICT";

/** The server was not there for longer than calls are repeated. */
const UNAVAILABLE = "STORAGE_UNAVAILABLE";

/**
 * The codes of errors that a caller may get in each part. No part damages anything or asks for anything
 * wrong, so there are no others.
 */
const ALLOWED: Readonly<Record<Plan["part"], readonly string[]>> = {
  kills: [CONFLICT],
  "server-kills": [CONFLICT, UNAVAILABLE],
  network: [CONFLICT, UNAVAILABLE],
  races: [CONFLICT],
  // It has a checker of its own: see leases/check-leases.ts.
  leases: [],
};

/** What is wrong with an error that a caller got; undefined if it may get it. */
export function judgeFailure(
  part: Plan["part"],
  { code }: Failure,
): "untyped error" | "unexpected error" | undefined {
  if (code === null) return "untyped error";
  return ALLOWED[part].includes(code) ? undefined : "unexpected error";
}

/**
 * How long any call may take: as long as calls are repeated by default, once more for what setup does
 * on first use, and some time for a machine that is busy.
 */
export const CALL_BOUND_MS = 90_000;

/** How much of its TTL a thread lives at least after it was last written to. */
export const LEAST_LIFE_OF_TTL = 1;
