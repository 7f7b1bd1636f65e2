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
  /** How its last attempt failed. */
  lastFailure: VisitFailure | undefined;
}

interface VisitFailure {
  readonly failure: Failure;
  readonly afterMs: number;
}

/** How often the same candidate may be asked again. The server's own word wins over the kind. */
function countRetries({ kind, shouldRetry }: Failure): number {
  if (shouldRetry === undefined) return failurePolicies[kind].retries;
  return shouldRetry ? Infinity : 0;
}

/**
 * The way of one call through the chain: which candidates were asked, what follows from their failures, which is
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
      lastFailure: undefined,
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

  /**
   * A candidate to ask beside a late one: another endpoint of its model if one could be asked at once,
   * else one of another model. A canary gets no such traffic.
   */
  findHedge(late: Candidate, nowMs: number): Candidate | undefined {
    const ready = this.#eligible.filter(
      (other) => other !== late && other.canary === undefined && other.isHealthy(nowMs),
    );
    return ready.find(({ model }) => model === late.model) ?? ready[0];
  }

  /** Another candidate that could be asked at once, in the order of the call. */
  #findHealthyOther(candidate: Candidate, nowMs: number): Candidate | undefined {
    return this.#eligible.find((other) => other !== candidate && other.isHealthy(nowMs));
  }

  /** Who is asked next, and from when on. `undefined`: nobody is left. */
  choose(nowMs: number): Choice | undefined {
    const staying = this.#staying;
    if (staying && this.#eligible.includes(staying)) {
      const { notBeforeMs } = this.visit(staying);
      // Others may have found out meanwhile that it is down.
      const mayStay =
        notBeforeMs > nowMs ||
        staying.isPermitted(nowMs) ||
        !this.#findHealthyOther(staying, nowMs);
      if (mayStay) return { candidate: staying, notBeforeMs };
    }
    const choice = chooseCandidate(this.#eligible, nowMs, this.#deadlineMs);
    if (!choice) return undefined;
    const { candidate } = choice;
    const notBeforeMs = Math.max(choice.notBeforeMs, this.visit(candidate).notBeforeMs);
    return { candidate, notBeforeMs };
  }

  /** Another attempt is under way: the next one goes to the first candidate. */
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
    this.#excludeAll((other) => {
      if (other === candidate) return true;
      // The window of another model may well be larger where it is not known.
      const unknownTokens = other.model === candidate.model ? 0 : Infinity;
      return (other.contextWindowTokens ?? unknownTokens) <= exceeded;
    });
  }

  /**
   * The call goes on from `from`, which failed, to `to`. For a while others are preferred: the other
   * endpoints of the model, or other models if none of its endpoints helped.
   */
  leave(from: Candidate, to: Candidate, nowMs: number): void {
    const { stickyMs } = this.#options.fallback;
    for (const { candidate, lastFailure } of this.#visits) {
      if (candidate.model !== from.model || !lastFailure) continue;
      const { afterMs, failure } = lastFailure;
      if (to.model !== from.model) candidate.avoid(failure, afterMs, stickyMs, nowMs);
      else if (candidate === from) candidate.rest(failure, afterMs, stickyMs, nowMs);
    }
  }

  /**
   * What follows from another failure than a prompt too long. Returns the delay of a retry, in ms.
   *
   * @param failedAfterMs How long the attempt took.
   */
  fail(candidate: Candidate, failure: Failure, failedAfterMs: number, nowMs: number): number {
    this.#staying = undefined;
    this.#deadEnd = undefined;
    const { retry, random } = this.#options;
    const visit = this.visit(candidate);
    visit.lastFailure = { failure, afterMs: failedAfterMs };
    const retries = Math.min(countRetries(failure), this.#allowRetries(candidate));
    // Retries are counted for the model: each of its endpoints may make some of them.
    const isModelSpent = retries > 0 && this.#countAttempts(candidate.model) > retries;
    if (isModelSpent || visit.attempts > retries) {
      this.exclude(candidate);
      if (isModelSpent) this.#excludeAll((other) => this.#isFailedSibling(other, candidate));
      this.#deadEnd = this.#describeDeadEnd(candidate, failure);
      if (failure.kind === "content-filter") {
        // Models of the same maker filter alike.
        this.#excludeAll(
          ({ model, provider }) => provider === candidate.provider || model === candidate.model,
        );
      }
      return 0;
    }
    visit.owesRetry = true;
    const delayMs = failure.waitHintMs ?? drawFullJitterMs(visit.attempts - 1, retry, random);
    visit.notBeforeMs = nowMs + delayMs;
    if (this.#canAskSibling(candidate, nowMs)) {
      this.#putBehindSiblings(candidate);
      return delayMs;
    }
    // Staying would not help. The choice goes to a candidate that can answer before the deadline.
    if (visit.notBeforeMs >= this.#deadlineMs) return delayMs;
    // A trial is one attempt: the next candidate need not wait for its retries.
    const isBetterElsewhere =
      delayMs > retry.maxDelayMs || candidate.isOnTrial || !candidate.isPermitted(nowMs);
    const leaves = isBetterElsewhere && this.#findHealthyOther(candidate, nowMs);
    if (!leaves) this.#staying = candidate;
    return delayMs;
  }

  #countAttempts(model: string): number {
    let attempts = 0;
    for (const visit of this.#visits) {
      if (visit.candidate.model === model) attempts += visit.attempts;
    }
    return attempts;
  }

  /** Whether it serves the same model and has failed in this call. */
  #isFailedSibling(other: Candidate, { model }: Candidate): boolean {
    return other.model === model && this.visit(other).lastFailure !== undefined;
  }

  /** Whether another endpoint of the model could be asked at once. A canary gets no such traffic. */
  #canAskSibling(candidate: Candidate, nowMs: number): boolean {
    return this.#eligible.some(
      (other) =>
        other !== candidate &&
        other.model === candidate.model &&
        other.canary === undefined &&
        other.isHealthy(nowMs) &&
        this.visit(other).notBeforeMs <= nowMs,
    );
  }

  /** The other endpoints of the model come first from now on; a canary comes after everything else. */
  #putBehindSiblings(candidate: Candidate): void {
    const others = this.#eligible.filter((other) => other !== candidate);
    const isSibling = (other: Candidate) =>
      other.model === candidate.model && other.canary === undefined;
    const behind =
      candidate.canary === undefined ? others.findLastIndex(isSibling) + 1 : others.length;
    this.#eligible = others.toSpliced(behind, 0, candidate);
  }

  /**
   * Retries of a model: twice as many while all other models are known to be down, and this endpoint
   * is not.
   */
  #allowRetries({ model, openedAtMs }: Candidate): number {
    const { maxRetries } = this.#options.retry;
    const others = this.#eligible.filter((other) => other.model !== model);
    const isOnlyOneUp =
      openedAtMs === undefined &&
      others.length > 0 &&
      others.every((other) => other.openedAtMs !== undefined);
    return isOnlyOneUp ? 2 * maxRetries : maxRetries;
  }

  #describeDeadEnd({ model }: Candidate, { kind }: Failure): string | undefined {
    if (failurePolicies[kind].fallback) return undefined;
    // Another endpoint has a key of its own.
    const isAboutKey = kind === "authentication";
    if (isAboutKey && this.#eligible.some((other) => other.model === model)) return undefined;
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
