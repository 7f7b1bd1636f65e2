import type { ModelProfile } from "@langchain/core/language_models/profile";
import type { Payer } from "../cost/budget-book.ts";
import type { ModelCosts } from "../cost/model-costs.ts";
import type { TokenUsage } from "../cost/token-usage.ts";
import type { EndpointDescription } from "../failure/endpoint-description.ts";
import type { Failure } from "../failure/failure.ts";
import { failurePolicies } from "../failure/failure-policy.ts";
import type { RetryQuota } from "../retry/retry-quota.ts";
import { computeTrialPauseMs } from "../retry/trial-pause.ts";
import type { AnswerTimes, AskedSize } from "./answer-times.ts";
import type { Breaker } from "./breaker.ts";
import type { InnerModel } from "./inner-model.ts";
import type { LimitsLeft, RequestsLeft } from "./limits-left.ts";
import type { RateLimiter } from "./rate-limiter.ts";

/** What is known of an endpoint of the chain when the chain is made. */
export interface CandidateDescription {
  /** Unique in the chain. */
  readonly name: string;
  /** The model that it serves, by its unique name in the chain. Other endpoints may serve it too. */
  readonly model: string;
  /** Its own name among the endpoints of its model: as given, or its host. */
  readonly endpointName: string;
  /** It is one of the option `endpoints`. */
  readonly isListed: boolean;
  /** Its share of the model's calls, beside the weights of the model's other endpoints. */
  readonly weight: number;
  /** The share of the model's calls that it is asked first. `undefined`: it is no canary. */
  readonly canary: number | undefined;
  /** What it has left of its limits. `undefined`: nobody asks, for it is its model's only endpoint. */
  readonly limitsLeft: LimitsLeft | undefined;
  readonly endpoint: EndpointDescription;
  readonly provider: string;
  readonly inner: InnerModel;
  readonly costs: ModelCosts;
  readonly payer: Payer;
  readonly profile: ModelProfile;
  readonly contextWindowTokens: number | undefined;
  /** It continues an assistant message at the end of the prompt. */
  readonly acceptsPrefill: boolean;
  readonly rateLimiter: RateLimiter | undefined;
}

/** What measures a candidate's health. */
export interface HealthInstruments {
  readonly breaker: Breaker;
  readonly retryQuota: RetryQuota;
  readonly answerTimes: AnswerTimes;
}

/** What every ended attempt says about its candidate. */
export interface AttemptReport {
  readonly asked: AskedSize;
  readonly streaming: boolean;
  readonly durationMs: number;
}

/** An attempt that got its answer. */
export interface SuccessReport extends AttemptReport {
  /** In ms since the epoch. */
  readonly startedAtMs: number;
  /** Streams only. */
  readonly firstTokenMs: number | undefined;
  readonly usage: TokenUsage | undefined;
  /** The call's attempts on this candidate before this one. */
  readonly retries: number;
  /** The answer used up a rate limit. Time until the limit is filled again, in ms. */
  readonly exhaustedForMs: number | undefined;
}

/** An attempt that failed. */
export interface FailureReport extends AttemptReport {
  readonly failure: Failure;
  readonly isProbe: boolean;
  /** How long the attempt waited for its first token at most, in ms. */
  readonly firstTokenLimitMs: number;
}

/** An attempt that was ended because another candidate answered first. */
export interface LossReport extends AttemptReport {
  readonly isProbe: boolean;
  /** It began before the other one. */
  readonly wasLate: boolean;
}

/**
 * One model of the chain at one endpoint, and what its attempts say about its health: whether its breaker is open, how
 * long it is blocked or avoided, how fast it answers. All calls share it, and so do all models derived
 * with `withConfig` and `bindTools`. Times are in ms since the epoch.
 */
export class Candidate implements CandidateDescription {
  readonly name: string;
  readonly model: string;
  readonly endpointName: string;
  readonly isListed: boolean;
  readonly weight: number;
  readonly canary: number | undefined;
  readonly limitsLeft: LimitsLeft | undefined;
  readonly endpoint: EndpointDescription;
  readonly provider: string;
  readonly inner: InnerModel;
  readonly costs: ModelCosts;
  readonly payer: Payer;
  readonly profile: ModelProfile;
  readonly contextWindowTokens: number | undefined;
  readonly acceptsPrefill: boolean;
  readonly rateLimiter: RateLimiter | undefined;
  readonly #breaker: Breaker;
  readonly #retryQuota: RetryQuota;
  readonly #answerTimes: AnswerTimes;
  #blockedUntilMs = 0;
  #blockedSinceMs = 0;
  #avoidedUntilMs = 0;
  /** While it is avoided: it is so only where another endpoint of its model can be asked. */
  #mayStandIn = false;
  /** How long it is avoided after a failure, as the call that fell back from it wants it. */
  #longestAvoidanceMs = 0;

  constructor(description: CandidateDescription, instruments: HealthInstruments) {
    this.name = description.name;
    this.model = description.model;
    this.endpointName = description.endpointName;
    this.isListed = description.isListed;
    this.weight = description.weight;
    this.canary = description.canary;
    this.limitsLeft = description.limitsLeft;
    this.endpoint = description.endpoint;
    this.provider = description.provider;
    this.inner = description.inner;
    this.costs = description.costs;
    this.payer = description.payer;
    this.profile = description.profile;
    this.contextWindowTokens = description.contextWindowTokens;
    this.acceptsPrefill = description.acceptsPrefill;
    this.rateLimiter = description.rateLimiter;
    this.#breaker = instruments.breaker;
    this.#retryQuota = instruments.retryQuota;
    this.#answerTimes = instruments.answerTimes;
  }

  /** Nothing speaks against trying it now. */
  isHealthy(nowMs: number): boolean {
    return (
      nowMs >= this.#blockedUntilMs && nowMs >= this.#avoidedUntilMs && this.isPermitted(nowMs)
    );
  }

  /** It is avoided, but rather asked than another model. */
  mayStandIn(nowMs: number): boolean {
    return this.#mayStandIn && !this.isBlocked(nowMs) && this.isPermitted(nowMs);
  }

  /** How many requests with such a prompt fit into its limits. `undefined`: they are not known. */
  countRequestsLeft(promptTokens: number, nowMs: number): RequestsLeft | undefined {
    return this.limitsLeft?.countRequests(this.#expectTokens(promptTokens), nowMs);
  }

  /** A request with such a prompt is sent. */
  noteSent(promptTokens: number): void {
    this.limitsLeft?.take(this.#expectTokens(promptTokens));
  }

  #expectTokens(promptTokens: number): number {
    return promptTokens + this.costs.forecastOutput().upperTokens;
  }

  /** The provider asked not to be called now. */
  isBlocked(nowMs: number): boolean {
    return nowMs < this.#blockedUntilMs;
  }

  /** It failed a call and has not answered since: the next attempt finds out whether it is back. */
  get isOnTrial(): boolean {
    return this.#avoidedUntilMs > 0;
  }

  /** The breaker is closed, or a probe is due that nobody makes. */
  isPermitted(nowMs: number): boolean {
    return this.#breaker.permits(nowMs);
  }

  /** When the breaker opened. `undefined`: it is closed. */
  get openedAtMs(): number | undefined {
    return this.#breaker.openedAtMs;
  }

  /** The provider asked not to be called before. */
  get blockedUntilMs(): number {
    return this.#blockedUntilMs;
  }

  /** From when on it is neither blocked nor kept back by its breaker. */
  get readyAtMs(): number {
    return Math.max(this.#blockedUntilMs, this.#breaker.probeDueAtMs);
  }

  /** It is known to think before it answers. */
  get reasons(): boolean {
    return this.#answerTimes.reasons;
  }

  /** The longest that any attempt may take, in ms. */
  get longestMs(): number {
    return this.#answerTimes.longestMs;
  }

  /** Limit for the first token, in ms. */
  firstTokenLimitMs(asked: AskedSize): number {
    return this.#answerTimes.firstTokenLimitMs(asked);
  }

  /** Limit for a whole answer that comes in one piece, in ms. */
  totalLimitMs(asked: AskedSize): number {
    return this.#answerTimes.totalLimitMs(asked);
  }

  /** How long whole answers took of late on average, in ms. `undefined`: there was none. */
  get recentTotalMs(): number | undefined {
    return this.#answerTimes.recentTotalMs;
  }

  /** How long such an answer usually takes, if it is as long as asked for, in ms. */
  usualTotalMs(asked: AskedSize): number {
    return this.#answerTimes.usualTotalMs(asked);
  }

  /** The time that a share of `quantile` (0 to 1) stays below, in ms. `undefined`: too few are known. */
  latencyQuantileMs(streaming: boolean, quantile: number, asked: AskedSize): number | undefined {
    return this.#answerTimes.quantileMs(streaming, quantile, asked);
  }

  /** Takes the tokens for one retry from the retry quota. `false`: there are not enough. */
  tryRetry(): boolean {
    return this.#retryQuota.tryTake();
  }

  /**
   * An attempt is about to begin. Returns whether it is the probe of an open breaker. That is decided
   * before anything is awaited: of many calls that found the probe due, one may make it.
   */
  admit(): boolean {
    return this.#breaker.begin();
  }

  /** Starts exchanging latencies with other processes in the background, if that is due. */
  exchangeLatencies(streaming: boolean, nowMs: number): void {
    this.#answerTimes.exchange(streaming, nowMs);
  }

  /** An attempt ended without saying anything about the candidate, or was not made after all. */
  release(isProbe: boolean): void {
    this.#breaker.release(isProbe);
  }

  /** An attempt got its answer. */
  succeeded(report: SuccessReport, nowMs: number): void {
    const { exhaustedForMs, retries, startedAtMs } = report;
    // It answered a request that was sent after it had asked for a pause: the pause is over.
    if (startedAtMs >= this.#blockedSinceMs) this.#blockedUntilMs = 0;
    if (exhaustedForMs !== undefined) this.block(nowMs + exhaustedForMs, nowMs);
    this.#breaker.succeed();
    this.#avoidedUntilMs = 0;
    this.#mayStandIn = false;
    this.#retryQuota.giveBack(retries);
    this.#answerTimes.learn(report);
  }

  /** An attempt failed. */
  failed(report: FailureReport, nowMs: number): void {
    const { asked, durationMs, failure, firstTokenLimitMs, isProbe, streaming } = report;
    if (failurePolicies[failure.kind].breaker) this.#breaker.fail(nowMs, isProbe, durationMs);
    // An error that never left this process says nothing. Any other answer shows that the endpoint is up.
    else if (failure.kind === "unknown") this.#breaker.release(isProbe);
    else if (this.#breaker.openedAtMs !== undefined) this.#breaker.succeed();
    if (failure.phase === "first-token") {
      this.#answerTimes.learnLateness(true, asked, firstTokenLimitMs);
    } else if (failure.phase === "total" && !streaming) {
      this.#answerTimes.learnLateness(false, asked, durationMs);
    }
    // A trial that failed: others are preferred again at once, also by this call.
    if (this.isOnTrial) {
      this.#avoid(failure, durationMs, this.#longestAvoidanceMs, nowMs);
    }
    if (failure.waitHintMs !== undefined) this.block(nowMs + failure.waitHintMs, nowMs);
  }

  /** An attempt was ended because another candidate answered first. */
  lost({ asked, durationMs, isProbe, streaming, wasLate }: LossReport): void {
    this.#breaker.release(isProbe);
    // The second of the two was cut short and says nothing. Without the first, slow attempts would
    // vanish from the window, and the limits would shrink with each hedge.
    if (wasLate) this.#answerTimes.learnLateness(streaming, asked, durationMs);
  }

  /**
   * A call fell back from here because of `failure`: for a while others are preferred.
   *
   * @param failedAfterMs How long the attempt took. One that failed quickly is soon tried again.
   * @param longestMs For how long it is avoided at most, in ms.
   */
  avoid(failure: Failure, failedAfterMs: number, longestMs: number, nowMs: number): void {
    if (this.#avoid(failure, failedAfterMs, longestMs, nowMs)) this.#mayStandIn = false;
  }

  /**
   * A call went on to another endpoint of the model because of `failure`: for a while the model's other
   * endpoints are preferred. The parameters are those of {@link avoid}.
   */
  rest(failure: Failure, failedAfterMs: number, longestMs: number, nowMs: number): void {
    // Whoever fell back to another model has said more.
    if (nowMs < this.#avoidedUntilMs && !this.#mayStandIn) return;
    if (this.#avoid(failure, failedAfterMs, longestMs, nowMs)) this.#mayStandIn = true;
  }

  /** Returns whether it is avoided from now on. */
  #avoid(failure: Failure, failedAfterMs: number, longestMs: number, nowMs: number): boolean {
    // Where the provider says how long to wait, that is enough.
    if (!failurePolicies[failure.kind].avoid || failure.waitHintMs !== undefined) return false;
    if (longestMs === 0) return false;
    this.#longestAvoidanceMs = longestMs;
    this.#avoidedUntilMs = nowMs + computeTrialPauseMs(failedAfterMs, longestMs);
    return true;
  }

  /** No attempts until then. A longer block stays. */
  block(untilMs: number, nowMs: number): void {
    if (untilMs <= this.#blockedUntilMs) return;
    this.#blockedUntilMs = untilMs;
    this.#blockedSinceMs = nowMs;
  }
}
