import type { Candidate } from "../candidate/candidate.ts";

/** The candidate to try next, and when. */
export interface Choice {
  readonly candidate: Candidate;
  /** In ms since the epoch; in the past means at once. */
  readonly notBeforeMs: number;
}

function findSoonest(
  candidates: readonly Candidate[],
  readyAtMs: (candidate: Candidate) => number,
): Choice | undefined {
  const [soonest] = candidates
    .map((candidate) => ({ candidate, notBeforeMs: readyAtMs(candidate) }))
    .toSorted((left, right) => left.notBeforeMs - right.notBeforeMs);
  return soonest;
}

/**
 * The candidate to try next:
 *
 * 1. the first healthy one in the order of the chain;
 * 2. one that is merely avoided since a fallback;
 * 3. if a breaker is still closed, whichever comes first: the end of a pause a provider asked for, or
 *    a probe that falls due. A short wait costs less than a request to a server known to be down;
 * 4. with all breakers open, or no pause ending before the deadline, the one open longest, at once;
 * 5. the one whose pause ends first, whenever that is.
 */
export function chooseCandidate(
  eligible: readonly Candidate[],
  nowMs: number,
  deadlineMs: number,
): Choice | undefined {
  const healthy = eligible.find((candidate) => candidate.isHealthy(nowMs));
  if (healthy) return { candidate: healthy, notBeforeMs: nowMs };
  const isOpen = (candidate: Candidate) => candidate.breaker.openedAtMs !== undefined;
  const isBlocked = (candidate: Candidate) => candidate.blockedUntilMs > nowMs;
  const avoided = eligible.find((candidate) => !isBlocked(candidate) && !isOpen(candidate));
  if (avoided) return { candidate: avoided, notBeforeMs: nowMs };
  if (!eligible.every(isOpen)) {
    const next = findSoonest(eligible, (candidate) =>
      Math.max(candidate.blockedUntilMs, candidate.breaker.probeDueAtMs),
    );
    if (next && next.notBeforeMs < deadlineMs) return next;
  }
  const open = eligible.filter((candidate) => !isBlocked(candidate));
  const longestOpen = findSoonest(open, (candidate) => candidate.breaker.openedAtMs ?? 0);
  if (longestOpen) return { candidate: longestOpen.candidate, notBeforeMs: nowMs };
  return findSoonest(eligible, (candidate) => candidate.blockedUntilMs);
}
