import type { Candidate } from "../candidate/candidate.ts";

/** The candidate to try next, and when. */
export interface Choice {
  readonly candidate: Candidate;
  /** In ms since the epoch; in the past means at once. */
  readonly notBeforeMs: number;
}

/**
 * The first healthy candidate in the order of the chain. If none is healthy: of those that didn't ask
 * for a pause the one avoided but with a closed breaker, else the one whose breaker opened first; if
 * all asked for a pause, the one whose pause ends first, at its end.
 */
export function chooseCandidate(eligible: readonly Candidate[], nowMs: number): Choice | undefined {
  const healthy = eligible.find((candidate) => candidate.isHealthy(nowMs));
  if (healthy) return { candidate: healthy, notBeforeMs: nowMs };
  const [longestOpen] = eligible
    .filter((candidate) => candidate.blockedUntilMs <= nowMs)
    .toSorted((left, right) => (left.breaker.openedAtMs ?? 0) - (right.breaker.openedAtMs ?? 0));
  if (longestOpen) return { candidate: longestOpen, notBeforeMs: nowMs };
  const [soonest] = eligible.toSorted((left, right) => left.blockedUntilMs - right.blockedUntilMs);
  return soonest && { candidate: soonest, notBeforeMs: soonest.blockedUntilMs };
}
