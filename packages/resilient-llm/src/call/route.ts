import type { Candidate } from "../candidate/candidate.ts";
import type { Failure } from "../failure/failure.ts";
import { failurePolicies } from "../failure/failure-policy.ts";
import type { ResolvedOptions } from "../options/resolve-options.ts";
import { drawFullJitterMs } from "../retry/backoff.ts";
import { chooseCandidate, type Choice } from "./choose-candidate.ts";

/** What one candidate has seen of a call. */
export interface Visit {
  readonly candidate: Candidate;
  attempts: number;
  /** No attempt before this, in ms since the epoch. */
  notBeforeMs: number;
  /** The next attempt is a retry and must be paid for from the retry quota. */
  owesRetry: boolean;
  /** It was asked although its pause outlasts the call. */
  wasAskedEarly: boolean;
}

/** How often the same candidate may be asked again. The server's own word wins over the kind. */
function countRetries({ kind, shouldRetry }: Failure): number {
  if (shouldRetry === undefined) return failurePolicies[kind].retries;
  return shouldRetry ? Infinity : 0;
}

/**
 * The way of one call through the chain: who has been asked, what follows from how they failed, who is
 * left and comes next.
 */
export class Route {
  readonly #options: ResolvedOptions;
  readonly #deadlineMs: number;
  /** One per candidate asked. A chain is too short for a map to pay off. */
  readonly #visits: Visit[] = [];
  #eligible: readonly Candidate[];
  #staying: Candidate | undefined;
  #deadEnd: string | undefined;

  constructor(candidates: readonly Candidate[], options: ResolvedOptions, deadlineMs: number) {
    this.#options = options;
    this.#deadlineMs = deadlineMs;
    this.#eligible = candidates;
  }

  /** Why no candidate can help after the last failure. `undefined`: one may. */
  get deadEnd(): string | undefined {
    return this.#deadEnd;
  }

  /** What `candidate` has seen of this call. */
  visit(candidate: Candidate): Visit {
    for (const known of this.#visits) if (known.candidate === candidate) return known;
    const visit = {
      candidate,
      attempts: 0,
      notBeforeMs: 0,
      owesRetry: false,
      wasAskedEarly: false,
    };
    this.#visits.push(visit);
    return visit;
  }

  /** No further attempt of this call goes to `candidate`. */
  exclude(candidate: Candidate): void {
    this.#excludeAll((other) => other === candidate);
  }

  isStaying(candidate: Candidate): boolean {
    return this.#staying === candidate;
  }

  /**
   * Whether a candidate whose pause outlasts the call is asked before its end: once per call, so that
   * no deadline passes unused. True once, the first time it is asked for.
   */
  mayAskEarly(candidate: Candidate): boolean {
    const visit = this.visit(candidate);
    if (visit.attempts > 0 || visit.wasAskedEarly) return false;
    visit.wasAskedEarly = true;
    return true;
  }

  /** Another candidate that could be asked at once, in the order of the chain. */
  findHealthyOther(candidate: Candidate, nowMs: number): Candidate | undefined {
    return this.#eligible.find((other) => other !== candidate && other.isHealthy(nowMs));
  }

  /** Who is asked next, and from when on. `undefined`: nobody is left. */
  choose(nowMs: number): Choice | undefined {
    const staying = this.#staying;
    if (staying && this.#eligible.includes(staying)) {
      const { notBeforeMs } = this.visit(staying);
      // Others may have found out meanwhile that it is down.
      const mayStay =
        notBeforeMs > nowMs || staying.isPermitted(nowMs) || !this.findHealthyOther(staying, nowMs);
      if (mayStay) return { candidate: staying, notBeforeMs };
    }
    const choice = chooseCandidate(this.#eligible, nowMs, this.#deadlineMs);
    if (!choice) return undefined;
    const { candidate } = choice;
    const notBeforeMs = Math.max(choice.notBeforeMs, this.visit(candidate).notBeforeMs);
    return { candidate, notBeforeMs };
  }

  /** Another attempt is under way: the next one goes to whoever comes first. */
  moveOn(): void {
    this.#staying = undefined;
    // Even a refusal is not final while another candidate may answer.
    this.#deadEnd = undefined;
  }

  /** The prompt was too long and has been trimmed: `candidate` is asked again at once. */
  askAgain(candidate: Candidate): void {
    this.visit(candidate).notBeforeMs = 0;
    this.#staying = candidate;
  }

  /** The prompt was too long for `candidate`: only those with a larger window are left. */
  leaveForLargerWindow(candidate: Candidate, failure: Failure): void {
    this.#staying = undefined;
    const exceeded = candidate.contextWindowTokens ?? failure.windowTokens ?? 0;
    this.#excludeAll(
      // One whose window is not known may well be larger.
      (other) => other === candidate || (other.contextWindowTokens ?? Infinity) <= exceeded,
    );
  }

  /** What follows from another failure than a prompt too long. Returns the delay of a retry, in ms. */
  fail(candidate: Candidate, failure: Failure, nowMs: number): number {
    this.#staying = undefined;
    this.#deadEnd = undefined;
    const { retry, random } = this.#options;
    const visit = this.visit(candidate);
    if (visit.attempts > Math.min(countRetries(failure), this.#allowRetries(candidate))) {
      this.#deadEnd = this.#describeDeadEnd(failure);
      this.exclude(candidate);
      if (failure.kind === "content-filter") {
        // Models of the same maker filter alike.
        this.#excludeAll((other) => other.provider === candidate.provider);
      }
      return 0;
    }
    visit.owesRetry = true;
    const delayMs = failure.waitHintMs ?? drawFullJitterMs(visit.attempts - 1, retry, random);
    visit.notBeforeMs = nowMs + delayMs;
    // Staying would be of no use. The choice goes to whoever can answer before the deadline.
    if (visit.notBeforeMs >= this.#deadlineMs) return delayMs;
    // A trial is one attempt: whoever is asked next need not wait for its retries.
    const isBetterElsewhere =
      delayMs > retry.maxDelayMs || candidate.isOnTrial || !candidate.isPermitted(nowMs);
    const leaves = isBetterElsewhere && this.findHealthyOther(candidate, nowMs);
    if (!leaves) this.#staying = candidate;
    return delayMs;
  }

  /** Retries of a candidate: twice as many while all others are known to be down, and it is not. */
  #allowRetries(candidate: Candidate): number {
    const { maxRetries } = this.#options.retry;
    const others = this.#eligible.filter((other) => other !== candidate);
    const isOnlyOneUp =
      candidate.openedAtMs === undefined &&
      others.length > 0 &&
      others.every(({ openedAtMs }) => openedAtMs !== undefined);
    return isOnlyOneUp ? 2 * maxRetries : maxRetries;
  }

  #describeDeadEnd({ kind }: Failure): string | undefined {
    if (failurePolicies[kind].fallback) return undefined;
    const { onAuthentication, onBadRequest, onContentFilter } = this.#options.fallback;
    if (kind === "authentication") {
      return onAuthentication
        ? undefined
        : "a wrong key does not fall back (fallback.onAuthentication is off)";
    }
    if (kind === "content-filter") {
      return onContentFilter
        ? undefined
        : "content filters do not fall back (fallback.onContentFilter is off)";
    }
    return onBadRequest
      ? undefined
      : "the request itself is at fault (fallback.onBadRequest is off)";
  }

  #excludeAll(isExcluded: (candidate: Candidate) => boolean): void {
    this.#eligible = this.#eligible.filter((candidate) => !isExcluded(candidate));
  }
}
