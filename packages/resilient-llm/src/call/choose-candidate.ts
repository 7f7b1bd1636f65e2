import type { Candidate } from "../candidate/candidate.ts";

/** The candidate to try next, and when. */
export interface Choice {
  readonly candidate: Candidate;
  /** In ms since the epoch. In the past means at once. */
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

function isOpen({ openedAtMs }: Candidate): boolean {
  return openedAtMs !== undefined;
}

/**
 * The first healthy candidate of the first model that has one. A model whose endpoints only rest after
 * a failure is asked at one of them all the same, before the next model.
 */
function findReady(eligible: readonly Candidate[], nowMs: number): Candidate | undefined {
  let standIn: Candidate | undefined;
  for (const candidate of eligible) {
    if (standIn && candidate.model !== standIn.model) return standIn;
    if (candidate.isHealthy(nowMs)) return candidate;
    if (!standIn && candidate.mayStandIn(nowMs)) standIn = candidate;
  }
  return standIn;
}

/**
 * The candidate to try next:
 *
 * 1. the first healthy one in the order of the call, model by model;
 * 2. one that is only avoided since a fallback;
 * 3. if a breaker is closed: the candidate that is ready first, because its block ends or its probe
 *    falls due. A short wait costs less than a request to a server that is known to be down;
 * 4. if all breakers are open, or no block ends before the deadline: the one open longest, at once;
 * 5. the one whose block ends first, whenever that is.
 */
export function chooseCandidate(
  eligible: readonly Candidate[],
  nowMs: number,
  deadlineMs: number,
): Choice | undefined {
  const ready = findReady(eligible, nowMs);
  if (ready) return { candidate: ready, notBeforeMs: nowMs };
  const unblocked = eligible.filter((candidate) => !candidate.isBlocked(nowMs));
  const avoided = unblocked.find((candidate) => !isOpen(candidate));
  if (avoided) return { candidate: avoided, notBeforeMs: nowMs };
  if (!eligible.every(isOpen)) {
    const next = findSoonest(eligible, (candidate) => candidate.readyAtMs);
    if (next && next.notBeforeMs < deadlineMs) return next;
  }
  const longestOpen = findSoonest(unblocked, ({ openedAtMs = 0 }) => openedAtMs);
  if (longestOpen) return { candidate: longestOpen.candidate, notBeforeMs: nowMs };
  return findSoonest(eligible, (candidate) => candidate.blockedUntilMs);
}
