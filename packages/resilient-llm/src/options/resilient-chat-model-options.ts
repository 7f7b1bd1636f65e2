import type { ClassifyOption } from "../failure/classify-option.ts";
import type { BaseChatModelParams } from "@langchain/core/language_models/chat_models";
import type { BudgetOptions } from "../cost/budget-book.ts";
import type { RetryQuotaOptions } from "../retry/retry-quota.ts";
import type { ResilienceListener } from "../events/events.ts";
import type { Clock } from "../time/clock.ts";
import type { ModelOption } from "./candidate-options.ts";
import type { LatencyStore } from "./latency-store.ts";
import type { RateLimiterFactory } from "./rate-limiter-factory.ts";

/** Retries of one candidate, and the bound over all attempts of a call. */
export interface RetryOptions {
  /** Retries of one candidate before the next is tried. Default 3. */
  readonly maxRetries?: number | undefined;
  /** Upper bound of the first random delay, in ms; it doubles with each retry. Default 500. */
  readonly baseDelayMs?: number | undefined;
  /**
   * No random delay is longer, in ms. A longer wait asked for by the provider sends the call to the
   * next candidate, if one is healthy. Default 30,000.
   */
  readonly maxDelayMs?: number | undefined;
  /** For all attempts and waits of one call, in ms. Default 300,000. */
  readonly deadlineMs?: number | undefined;
  /**
   * The longest wait that is believed when a provider asks for one, in milliseconds. A longer one is cut
   * to it, and the event `wait-hint-bounded` says so.
   *
   * @default 600_000
   */
  readonly maxBlockMs?: number | undefined;
  /** Bounds the retries of all calls together, per candidate. Default: 100 tokens, 5 per retry, 1 back. */
  readonly quota?: Partial<RetryQuotaOptions> | undefined;
}

/** How a time limit follows the latencies seen. */
export type AdaptiveStrategy = "quantile" | "mean";

/** Time limits of one attempt, in ms. `Infinity` switches one off. */
export interface TimeoutOptions {
  /**
   * The limits for the first token and for the whole attempt of `invoke` follow the latencies seen,
   * with `firstTokenMs` and `totalMs` as ceilings. `true` means `"quantile"`. Default `true`.
   */
  readonly adaptive?: boolean | AdaptiveStrategy | undefined;
  /** Adaptive limits never get shorter than this, in ms. Default 10,000. */
  readonly adaptiveFloorMs?: number | undefined;
  /**
   * Shares the latencies behind adaptive limits and hedging between processes: a key per base URL,
   * model and kind of latency, exchanged at most every 10 s. Default: they stay in this model.
   */
  readonly latencyStore?: LatencyStore | undefined;
  /** Streams: until the response's headers are there. Default 30,000. */
  readonly connectMs?: number | undefined;
  /** Streams: from the headers until the first content. Default 60,000. */
  readonly firstTokenMs?: number | undefined;
  /** Streams: between two pieces of content; keep-alives don't count. Default 30,000. */
  readonly idleMs?: number | undefined;
  /** The whole attempt. Default 300,000. */
  readonly totalMs?: number | undefined;
}

/** When another candidate may be asked, beyond outages. */
export interface FallbackOptions {
  /** Also after 401 and 403. Default `false`: a wrong key should be noticed. */
  readonly onAuthentication?: boolean | undefined;
  /** Also after a content filter, but only a candidate of another provider. Default `false`. */
  readonly onContentFilter?: boolean | undefined;
  /**
   * Whether another candidate is asked after a 400 or 422 that no rule knows better than as a bad
   * request. An error about this model, this key's money, this region or a bad draw goes on to the next
   * candidate anyway.
   *
   * @default false
   */
  readonly onBadRequest?: boolean | undefined;
  /** How long a candidate that was fallen back from is avoided, in ms. Default 60,000. */
  readonly stickyMs?: number | undefined;
}

/**
 * Asking the next candidate too when the first token (of `invoke`: the answer) is late. The quicker
 * one answers, the other request is ended. Each hedge may cost a second prompt, and with `invoke` a
 * second answer: what an ended request cost is booked as an estimate of its prompt.
 */
export interface HedgeOptions {
  /** How late is late, in ms. Default: by `quantile`. */
  readonly afterMs?: number | undefined;
  /**
   * Late is what takes longer than this share (0 to 1) of the candidate's last 100 latencies; until
   * ten are known nothing is hedged. Default 0.95.
   */
  readonly quantile?: number | undefined;
  /** Hedges per call in the long run, 0 to 1; up to ten are saved up. Default 0.05. */
  readonly maxRatio?: number | undefined;
}

/** When a candidate's circuit breaker opens, and for how long. */
export interface BreakerOptions {
  /** Share of failed attempts, 0 to 1, above which it opens. */
  readonly threshold: number;
  /** Number of latest attempts looked at. */
  readonly windowSize: number;
  /** It doesn't open before this many attempts. */
  readonly minimumAttempts: number;
  /** After this time, in ms, one attempt probes whether the endpoint is back. */
  readonly openMs: number;
}

/**
 * What happens when a stream breaks after some of the answer has been handed out.
 *
 * - `error`: a {@link StreamInterruptedError} with the partial answer.
 * - `restart`: the answer begins anew; a chunk with `response_metadata.resilience.restarted` says so,
 *   and chunks joined with `concat` hold only the new one.
 * - `continue`: the next attempt takes the text on where it broke off. Tool calls and JSON are
 *   restarted even then.
 */
export type StreamRecovery = "error" | "restart" | "continue";

/** What happens with prompts that are too long. */
export interface ContextOptions {
  /** After a context-length error leave out the oldest messages and try once more. Default `true`. */
  readonly trimOnOverflow?: boolean | undefined;
  /** Trim every prompt to this many tokens beforehand. Default: never. */
  readonly maxPromptTokens?: number | undefined;
}

/**
 * What happens with an answer that ends properly and carries neither text nor tool call nor refusal.
 *
 * - `repair`: asked for again once, then from the next candidate. If nobody says more, the empty answer
 *   is handed out with `response_metadata.resilience.emptyAnswer`.
 * - `accept`: an empty answer is one like any other.
 */
export type EmptyAnswerHandling = "repair" | "accept";

/** Options of {@link ResilientChatModel}. */
export interface ResilientChatModelOptions extends BaseChatModelParams {
  /** The chain: the first healthy one answers. At least one. */
  readonly models: readonly ModelOption[];
  /** For models given by name. Default: `OPENAI_BASE_URL`, else OpenAI's own. */
  readonly baseURL?: string | undefined;
  /** For models given by name. Default: `OPENAI_API_KEY`. */
  readonly apiKey?: string | undefined;
  readonly retry?: RetryOptions | undefined;
  readonly timeout?: TimeoutOptions | undefined;
  readonly fallback?: FallbackOptions | undefined;
  /** Default: off. */
  readonly hedge?: HedgeOptions | undefined;
  /** Default: opens when more than half of the last 20 attempts failed, from 5 on, for 30 s. */
  readonly breaker?: Partial<BreakerOptions> | undefined;
  /** Default `restart`. */
  readonly streamRecovery?: StreamRecovery | undefined;
  /**
   * What happens with an answer that carries nothing.
   *
   * @default "repair"
   */
  readonly emptyAnswer?: EmptyAnswerHandling | undefined;
  /**
   * Says what an error or an odd finish reason of a provider means. It is asked before the package's own
   * rules, and leaves the decision to them by returning `undefined`.
   *
   * @default undefined: only the package's own rules
   */
  readonly classify?: ClassifyOption | undefined;
  readonly context?: ContextOptions | undefined;
  /** Default: no limits. */
  readonly budget?: BudgetOptions | undefined;
  /**
   * Where `rateLimit` of the candidates is counted. Default: in this process. A limiter that throws
   * lets the attempt go out, with the event `rate-limiter-failed`; the provider has its own.
   */
  readonly createRateLimiter?: RateLimiterFactory | undefined;
  /** Told about every attempt, retry, fallback, hedge and breaker change. */
  readonly onEvent?: ResilienceListener | undefined;
  /** Source of time; for tests. */
  readonly clock?: Clock | undefined;
  /** Source of randomness in [0, 1); for tests. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}
