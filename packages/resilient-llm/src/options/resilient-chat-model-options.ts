import type { ClassifyOption } from "../failure/classify-option.ts";
import type { BaseChatModelParams } from "@langchain/core/language_models/chat_models";
import type { BudgetOptions } from "../cost/budget-book.ts";
import type { RetryQuotaOptions } from "../retry/retry-quota.ts";
import type { ResilienceListener } from "../events/events.ts";
import type { Clock } from "../time/clock.ts";
import type { CostLedger } from "../cost/cost-ledger.ts";
import type { CallJournal } from "../journal/call-journal.ts";
import type { ModelOption } from "./candidate-options.ts";
import type { JournalOptions } from "./journal-options.ts";
import type { LedgerOptions } from "./ledger-options.ts";
import type { LatencyStore } from "./latency-store.ts";
import type { RateLimiterFactory } from "./rate-limiter-factory.ts";
import type { SimulatedFault, SimulateFaultsOptions } from "./simulated-faults.ts";

/** Retries of one candidate, and the bound over all attempts of a call. */
export interface RetryOptions {
  /**
   * Retries of one model before the next one is asked; twice as many while the breakers of all other
   * models are open. The endpoints of a model share them, and each is asked at least once.
   *
   * @default 3
   */
  readonly maxRetries?: number | undefined;

  /**
   * Upper bound of the first random delay, in milliseconds. It doubles with each retry.
   *
   * @default 500
   */
  readonly baseDelayMs?: number | undefined;

  /**
   * Upper bound of every random delay, in milliseconds. If the provider asks for a longer wait, the
   * call goes to the next candidate, provided that one is healthy.
   *
   * @default 30_000
   */
  readonly maxDelayMs?: number | undefined;

  /**
   * Milliseconds for all attempts and waits of one call. `Infinity` means without limit.
   *
   * @default 300_000; 900_000 if a model of the chain is known to reason
   */
  readonly deadlineMs?: number | undefined;

  /**
   * The longest wait that a provider can ask for, in milliseconds. A longer one is cut to this, and the
   * event `wait-hint-bounded` reports it.
   *
   * @default 600_000
   */
  readonly maxBlockMs?: number | undefined;

  /**
   * Bounds the retries of all calls together, for each candidate.
   *
   * @default { capacity: 100, retryCost: 5, successRefund: 1 }
   */
  readonly quota?: Partial<RetryQuotaOptions> | undefined;
}

/**
 * How a time limit follows the latencies seen.
 *
 * - `quantile`: twice the 99th percentile of the last 100.
 * - `mean`: twice the mean of the last 100, plus 5 s.
 */
export type AdaptiveStrategy = "quantile" | "mean";

/**
 * Time limits of one attempt, in milliseconds. `Infinity` switches one off. Those of streams also hold for
 * an `invoke` whose answer may take long: it is asked for as a stream unless `adaptive` is `false`.
 */
export interface TimeoutOptions {
  /**
   * Whether the limits for the first token, and for the whole attempt of `invoke`, follow the latencies
   * seen. They grow with the prompt, and that of `invoke` with the longest answer that is asked for.
   * `firstTokenMs` and `totalMs` are then ceilings. `true` means `"quantile"`.
   *
   * @default true
   */
  readonly adaptive?: boolean | AdaptiveStrategy | undefined;

  /**
   * Adaptive limits are never shorter than this, in milliseconds.
   *
   * @default 10_000
   */
  readonly adaptiveFloorMs?: number | undefined;

  /**
   * Shares the latencies behind adaptive limits and hedging between processes: under one key for each
   * base URL, model and kind of latency, exchanged at most every 10 s.
   *
   * @default undefined: latencies stay in this model
   */
  readonly latencyStore?: LatencyStore | undefined;

  /**
   * Streams: milliseconds until the response's headers arrive.
   *
   * @default 30_000, and half a millisecond more for each token of the prompt
   */
  readonly connectMs?: number | undefined;

  /**
   * Streams: milliseconds from the headers to the first content.
   *
   * @default 300_000; 600_000 for a model known to reason
   */
  readonly firstTokenMs?: number | undefined;

  /**
   * Streams: milliseconds between two pieces of content. Keep-alives do not count as content.
   *
   * @default 30_000
   */
  readonly idleMs?: number | undefined;

  /**
   * Milliseconds for the whole attempt, streamed or not.
   *
   * @default 300_000; 900_000 for a model known to reason
   */
  readonly totalMs?: number | undefined;
}

/** When another candidate may be asked, beyond outages. */
export interface FallbackOptions {
  /**
   * Whether to ask the next model after 401 and 403 too. By default a wrong key fails the call, so that it
   * is noticed. Another endpoint of the same model is asked anyway.
   *
   * @default false
   */
  readonly onAuthentication?: boolean | undefined;

  /**
   * Whether to ask a candidate of another provider after a content filter.
   *
   * @default false
   */
  readonly onContentFilter?: boolean | undefined;

  /**
   * Whether to ask the next candidate after a 400 or 422 that blames the request itself. Errors about
   * the model, the key's money or the region go to the next candidate anyway.
   *
   * @default false
   */
  readonly onBadRequest?: boolean | undefined;

  /**
   * Milliseconds for which a candidate that failed a call is avoided at most. It is tried again after
   * ten times as long as the failed attempt took, at the earliest after 5 s, by one attempt.
   *
   * @default 60_000
   */
  readonly stickyMs?: number | undefined;
}

/**
 * Asks another candidate too when the first token (with `invoke`: the answer) is late: another endpoint of
 * the same model, else the next model. The quicker one answers; the other request is ended. Each hedge may cost a second prompt, and with `invoke` a
 * second answer. The cost of a request that was ended is booked as an estimate of its prompt.
 */
export interface HedgeOptions {
  /**
   * Milliseconds after which an answer is late. Not together with `quantile`.
   *
   * @default undefined: `quantile` decides
   */
  readonly afterMs?: number | undefined;

  /**
   * An answer is late when it takes longer than this share (0 to 1) of the candidate's last 100. As
   * long as fewer than ten are known, nothing is hedged.
   *
   * @default 0.95
   */
  readonly quantile?: number | undefined;

  /**
   * Hedges per call in the long run, from 0 to 1. Up to ten can be saved up.
   *
   * @default 0.05
   */
  readonly maxRatio?: number | undefined;
}

/** When a candidate's circuit breaker opens, and for how long. */
export interface BreakerOptions {
  /**
   * The share of failed attempts, from 0 to 1, above which it opens.
   *
   * @default 0.5
   */
  readonly threshold: number;

  /**
   * The number of latest attempts that count.
   *
   * @default 20
   */
  readonly windowSize: number;

  /**
   * It does not open before this many attempts.
   *
   * @default 5
   */
  readonly minimumAttempts: number;

  /**
   * The longest time until one attempt probes whether the endpoint is back, in milliseconds. The probe
   * comes after ten times as long as the last failed attempt took, at the earliest after 5 s.
   *
   * @default 30_000
   */
  readonly openMs: number;
}

/**
 * What happens when a stream breaks after part of the answer has been handed out.
 *
 * - `continue`: the next attempt is asked for the rest, and what it repeats is left out. JSON is asked for
 *   again and continues if it begins with the same text. If the next attempt does not take up what is there,
 *   or if a tool call was handed out, a {@link StreamInterruptedError} with the partial answer is thrown.
 *   Nobody gets text twice. An `invoke` that was asked for as a stream continues in the same way; what does
 *   not take up its part is asked for again. Streams of `withStructuredOutput` start over, and their parser
 *   sees that.
 * - `restart`: the answer begins again. A chunk with `response_metadata.resilience.restarted` marks the
 *   place, and chunks joined with `concat` hold the new answer only. It is for consumers that look at the
 *   mark: all others add the new answer to the old one.
 * - `error`: a {@link StreamInterruptedError} with the partial answer.
 */
export type StreamRecovery = "continue" | "restart" | "error";

/** What happens to prompts that are too long. */
export interface ContextOptions {
  /**
   * Whether to leave out the oldest messages after a context-length error and try once more.
   *
   * @default true
   */
  readonly trimOnOverflow?: boolean | undefined;

  /**
   * Trims every prompt to this many tokens before it is sent.
   *
   * @default undefined: prompts are sent as they are
   */
  readonly maxPromptTokens?: number | undefined;
}

/**
 * What happens with an answer that ends properly and carries neither text nor tool call nor refusal.
 *
 * - `repair`: asked for again once, then from the next candidate. If nobody says more, the empty answer
 *   is handed out with `response_metadata.resilience.emptyAnswer`. If it came once only and all later
 *   attempts failed, the call throws their error.
 * - `accept`: an empty answer is one like any other.
 */
export type EmptyAnswerHandling = "repair" | "accept";

/** Options of {@link ResilientChatModel}, with those of LangChain's base class that mean something here. */
export interface ResilientChatModelOptions extends Omit<
  BaseChatModelParams,
  "callbackManager" | "maxRetries" | "onFailedAttempt"
> {
  /** The chain, at least one model. The first healthy one answers. */
  readonly models: readonly ModelOption[];

  /**
   * The endpoint of models given by name.
   *
   * @default `OPENAI_BASE_URL`, else OpenAI's own
   */
  readonly baseURL?: string | undefined;

  /**
   * The key for models given by name. It is sent to the host of `baseURL` and to no other: a candidate at
   * another host needs a key of its own.
   *
   * @default `OPENAI_API_KEY`
   */
  readonly apiKey?: string | undefined;

  /**
   * How often and how long a call tries.
   *
   * @default 3 retries of each candidate, 300 s for all; 900 s with a model known to reason
   */
  readonly retry?: RetryOptions | undefined;

  /**
   * How long an attempt may take.
   *
   * @default 30 s to connect, 30 s of silence; to the first token and for all what the model's latencies
   * suggest, at most 300 s
   */
  readonly timeout?: TimeoutOptions | undefined;

  /**
   * When another candidate is asked, beyond outages.
   *
   * @default not after a refused key, a content filter or a bad request; a candidate that failed is avoided
   * for 60 s
   */
  readonly fallback?: FallbackOptions | undefined;

  /**
   * Asks a second candidate when the first one is late.
   *
   * @default undefined: off
   */
  readonly hedge?: HedgeOptions | undefined;

  /**
   * When a candidate that keeps failing is left out.
   *
   * @default for 5 to 30 s, once more than half of the last 20 attempts failed, from 5 attempts on
   */
  readonly breaker?: Partial<BreakerOptions> | undefined;

  /**
   * What happens when a stream breaks in the middle of an answer.
   *
   * @default "continue"
   */
  readonly streamRecovery?: StreamRecovery | undefined;

  /**
   * What happens with an answer that carries nothing.
   *
   * @default "repair"
   */
  readonly emptyAnswer?: EmptyAnswerHandling | undefined;

  /**
   * Says what an error or an unusual finish reason of a provider means. It is asked before the package's
   * own rules; if it returns `undefined`, they decide.
   *
   * @default undefined: only the package's own rules
   */
  readonly classify?: ClassifyOption | undefined;

  /**
   * What happens to prompts that are too long.
   *
   * @default trimmed after a context-length error
   */
  readonly context?: ContextOptions | undefined;

  /**
   * Limits on what calls may cost.
   *
   * @default undefined: no limits
   */
  readonly budget?: BudgetOptions | undefined;

  /**
   * Makes the counters behind `rateLimit` of the candidates. If a counter throws, the attempt is made
   * all the same and the event `rate-limiter-failed` tells of it: the provider has a limit of its own.
   *
   * @default counters in this process
   */
  readonly createRateLimiter?: RateLimiterFactory | undefined;

  /**
   * Calls at once, of this model and of all derived from it. Further calls wait, in order; this wait
   * does not count towards `retry.deadlineMs`.
   *
   * @default Infinity
   */
  readonly maxConcurrency?: number;

  /**
   * The largest answer that is read, in bytes, unpacked: as a whole, or one event of a stream. A stream as a
   * whole may have 16 times as many. A larger one is an `invalid-response`, so a broken or hostile endpoint
   * cannot use up the memory. Error bodies are read up to 80 kB. For models given by name and `ChatOpenAI`.
   *
   * @default 67_108_864 (64 MiB)
   */
  readonly maxResponseBytes?: number | undefined;

  /**
   * Keeps answers, so that a task that runs again after a crash gets those that were paid for, and goes on with
   * those that broke off. Calls are told apart by LangGraph's config of the running node. A call outside of a
   * graph has to name its task by the call option `journal`.
   *
   * @default undefined: a task that runs again asks again
   */
  readonly journal?: CallJournal | JournalOptions | undefined;

  /**
   * Books what each request used and cost, for all processes: by thread, run, model, user and day. With
   * `ledger.budget`, the processes share budgets.
   *
   * @default undefined: costs and budgets are those of this process
   */
  readonly ledger?: CostLedger | LedgerOptions | undefined;

  /**
   * Puts faults in the way of requests, to see in your own tests what your program makes of them: a list
   * of faults, or {@link SimulateFaultsOptions}. They come where real ones come from, under the model's
   * client, so that all of this package meets them. What an attempt met is marked as `simulatedFault` in
   * its events, its record and its failure. It costs nothing unless the model was asked too. Refused while
   * `NODE_ENV` is `production`, unless `force` is set. Only models given by name and `ChatOpenAI` can meet
   * faults.
   *
   * @default undefined: none
   * @example
   * ```ts
   * simulateFaults: [{ kind: "server-error", rate: 0.2, status: 503 }]
   * ```
   */
  readonly simulateFaults?: readonly SimulatedFault[] | SimulateFaultsOptions | undefined;

  /**
   * Hears of everything in {@link ResilienceEvent}: attempts, retries, fallbacks, hedges, breakers, budgets.
   *
   * @default undefined
   */
  readonly onEvent?: ResilienceListener | undefined;

  /**
   * The source of time, for tests.
   *
   * @default the machine's monotonic clock
   */
  readonly clock?: Clock | undefined;

  /**
   * The source of random numbers in [0, 1), for tests.
   *
   * @default Math.random
   */
  readonly random?: (() => number) | undefined;
}
