import type { Candidate } from "../candidate/candidate.ts";
import { chooseCandidate, type Choice } from "./choose-candidate.ts";

/** What one candidate has seen of a call. */
export interface Visit {
  readonly candidate: Candidate;
  attempts: number;
  /** No attempt before this, in ms since the epoch. */
  notBeforeMs: number;
  /** The next attempt is a retry and must be paid for from the retry quota. */
  owesRetry: boolean;
}

/** The way of one call through the chain: who is left to ask, who has been asked, who comes next. */
export class Route {
  readonly #deadlineMs: number;
  /** One per candidate asked; a chain is too short for a map to pay off. */
  readonly #visits: Visit[] = [];
  #eligible: readonly Candidate[];
  #staying: Candidate | undefined;

  constructor(candidates: readonly Candidate[], deadlineMs: number) {
    this.#eligible = candidates;
    this.#deadlineMs = deadlineMs;
  }

  /** What `candidate` has seen of this call. */
  visit(candidate: Candidate): Visit {
    for (const known of this.#visits) if (known.candidate === candidate) return known;
    const visit = { candidate, attempts: 0, notBeforeMs: 0, owesRetry: false };
    this.#visits.push(visit);
    return visit;
  }

  /** No further attempt of this call goes to any of `candidates`. */
  exclude(...candidates: readonly Candidate[]): void {
    this.#eligible = this.#eligible.filter((candidate) => !candidates.includes(candidate));
  }

  /** The next attempt goes to `candidate` again, unless it's found to be down meanwhile. */
  stay(candidate: Candidate): void {
    this.#staying = candidate;
  }

  /** The next attempt goes to whoever comes first. */
  moveOn(): void {
    this.#staying = undefined;
  }

  isStaying(candidate: Candidate): boolean {
    return this.#staying === candidate;
  }

  /** Another candidate that could be asked at once, in the order of the chain. */
  findHealthyOther(candidate: Candidate, nowMs: number): Candidate | undefined {
    return this.#eligible.find((other) => other !== candidate && other.isHealthy(nowMs));
  }

  /** Who is asked next, and from when on; `undefined` if nobody is left. */
  choose(nowMs: number): Choice | undefined {
    const staying = this.#staying;
    if (staying && this.#eligible.includes(staying)) {
      const { notBeforeMs } = this.visit(staying);
      // Others may have found out meanwhile that it's down.
      const mayStay =
        notBeforeMs > nowMs ||
        staying.breaker.permits(nowMs) ||
        !this.findHealthyOther(staying, nowMs);
      if (mayStay) return { candidate: staying, notBeforeMs };
    }
    const choice = chooseCandidate(this.#eligible, nowMs, this.#deadlineMs);
    if (!choice) return undefined;
    const { candidate } = choice;
    const notBeforeMs = Math.max(choice.notBeforeMs, this.visit(candidate).notBeforeMs);
    return { candidate, notBeforeMs };
  }
}
