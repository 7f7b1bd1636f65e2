import type { BaseChatModelParams } from "@langchain/core/language_models/chat_models";
import { z } from "zod";
import type { AdaptiveStrategy } from "./candidate/adaptive-timeout.ts";
import type { BreakerOptions } from "./candidate/breaker.ts";
import type { LatencyStore } from "./candidate/latency-store.ts";
import type { ModelOption } from "./candidate/candidate-options.ts";
import type { RateLimiterFactory } from "./candidate/rate-limiter.ts";
import type { BudgetOptions } from "./cost/budget-book.ts";
import { OptionsError } from "./errors/options-error.ts";
import { looksLikeKey } from "./errors/redact.ts";
import type { RetryQuotaOptions } from "./retry/retry-quota.ts";
import { systemClock, type Clock } from "./time/clock.ts";
import type { ResilienceListener } from "./telemetry/events.ts";

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
  /** Bounds the retries of all calls together, per candidate. Default: 100 tokens, 5 per retry, 1 back. */
  readonly quota?: Partial<RetryQuotaOptions> | undefined;
}

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

/** Options with every default filled in. */
export interface ResolvedOptions {
  readonly models: readonly ModelOption[];
  readonly baseURL: string | undefined;
  readonly apiKey: string | undefined;
  readonly retry: {
    readonly maxRetries: number;
    readonly baseDelayMs: number;
    readonly maxDelayMs: number;
    readonly deadlineMs: number;
    readonly quota: RetryQuotaOptions;
  };
  readonly timeout: {
    readonly adaptive: AdaptiveStrategy | false;
    readonly adaptiveFloorMs: number;
    readonly latencyStore: LatencyStore | undefined;
    readonly connectMs: number;
    readonly firstTokenMs: number;
    readonly idleMs: number;
    readonly totalMs: number;
  };
  readonly fallback: {
    readonly onAuthentication: boolean;
    readonly onContentFilter: boolean;
    readonly stickyMs: number;
  };
  readonly hedge:
    | {
        readonly afterMs: number | undefined;
        readonly quantile: number;
        readonly maxRatio: number;
      }
    | undefined;
  readonly breaker: BreakerOptions;
  readonly streamRecovery: StreamRecovery;
  readonly context: {
    readonly trimOnOverflow: boolean;
    readonly maxPromptTokens: number | undefined;
  };
  readonly budget: BudgetOptions;
  readonly createRateLimiter: RateLimiterFactory | undefined;
  readonly onEvent: ResilienceListener | undefined;
  readonly clock: Clock;
  readonly random: () => number;
}

/** What messages show of an endpoint. A key that was put there by mistake must not be among it. */
const shownName = z
  .string()
  .min(1)
  .refine((name) => !looksLikeKey(name), "expected a name, and this looks like an API key");
const url = z.url().refine((text) => {
  const { username, password } = URL.canParse(text) ? new URL(text) : {};
  return !username && !password;
}, "expected a URL without user and password; pass a key as apiKey");
const duration = z.union([z.number().positive(), z.literal(Infinity)]);
const count = z.number().int().nonnegative();
const limits = {
  maxCostUsd: z.number().nonnegative().optional(),
  maxTokens: count.optional(),
};
const pricing = z.strictObject({
  inputPerMillionUsd: z.number().nonnegative(),
  outputPerMillionUsd: z.number().nonnegative(),
  cachedInputPerMillionUsd: z.number().nonnegative().optional(),
});
const chatModel = z.custom<object>(
  (value) =>
    typeof value === "object" && value !== null && "invoke" in value && "lc_namespace" in value,
  "expected a LangChain chat model",
);
const candidate = z.strictObject({
  model: z.union([shownName, chatModel]),
  name: shownName.optional(),
  baseURL: url.optional(),
  apiKey: z.string().min(1).optional(),
  provider: shownName.optional(),
  pricing: pricing.optional(),
  contextWindowTokens: z.number().int().positive().optional(),
  maxOutputTokens: z.number().int().positive().optional(),
  profile: z.record(z.string(), z.unknown()).optional(),
  rateLimit: z
    .strictObject({
      requestsPerMinute: z.number().int().positive().optional(),
      tokensPerMinute: z.number().int().positive().optional(),
    })
    .optional(),
  fields: z.record(z.string(), z.unknown()).optional(),
});

const schema = z.object({
  models: z.array(z.union([shownName, chatModel, candidate])).min(1),
  baseURL: url.optional(),
  apiKey: z.string().min(1).optional(),
  retry: z
    .strictObject({
      maxRetries: count.optional(),
      baseDelayMs: z.number().nonnegative().optional(),
      maxDelayMs: z.number().nonnegative().optional(),
      deadlineMs: duration.optional(),
      quota: z
        .strictObject({
          capacity: z.number().nonnegative().optional(),
          retryCost: z.number().nonnegative().optional(),
          successRefund: z.number().nonnegative().optional(),
        })
        .optional(),
    })
    .optional(),
  timeout: z
    .strictObject({
      adaptive: z.union([z.boolean(), z.enum(["quantile", "mean"])]).optional(),
      adaptiveFloorMs: z.number().nonnegative().optional(),
      latencyStore: z
        .custom<LatencyStore>(
          (value) =>
            typeof value === "object" && value !== null && "read" in value && "append" in value,
          "expected an object with read and append",
        )
        .optional(),
      connectMs: duration.optional(),
      firstTokenMs: duration.optional(),
      idleMs: duration.optional(),
      totalMs: duration.optional(),
    })
    .optional(),
  fallback: z
    .strictObject({
      onAuthentication: z.boolean().optional(),
      onContentFilter: z.boolean().optional(),
      stickyMs: z.number().nonnegative().optional(),
    })
    .optional(),
  hedge: z
    .strictObject({
      afterMs: z.number().nonnegative().optional(),
      quantile: z.number().gt(0).lt(1).optional(),
      maxRatio: z.number().gt(0).max(1).optional(),
    })
    .refine(
      ({ afterMs, quantile }) => afterMs === undefined || quantile === undefined,
      "expected afterMs or quantile, not both",
    )
    .optional(),
  breaker: z
    .strictObject({
      threshold: z.number().gt(0).lt(1).optional(),
      windowSize: z.number().int().positive().optional(),
      minimumAttempts: z.number().int().positive().optional(),
      openMs: z.number().positive().optional(),
    })
    .optional(),
  streamRecovery: z.enum(["error", "restart", "continue"]).optional(),
  context: z
    .strictObject({
      trimOnOverflow: z.boolean().optional(),
      maxPromptTokens: z.number().int().positive().optional(),
    })
    .optional(),
  budget: z
    .strictObject({
      ...limits,
      perThread: z.strictObject(limits).optional(),
      perRun: z.strictObject(limits).optional(),
      onUnknownPrice: z.enum(["refuse", "allow"]).optional(),
    })
    .optional(),
});

/** What zod says, without names of options that may be secrets, for instance a key in place of one. */
function formatIssues({ issues }: z.ZodError): string {
  return z.prettifyError({
    issues: issues.map((issue) =>
      issue.code === "unrecognized_keys"
        ? Object.assign(issue, { message: `There is no option ${nameUnknown(issue.keys)}` })
        : issue,
    ),
  });
}

function nameUnknown(keys: readonly string[]): string {
  const names = keys.filter((key) => /^[A-Za-z]{1,40}$/.test(key));
  return names.length === 0 ? "of that name" : names.join(", ");
}

/**
 * Checks options and fills in defaults.
 *
 * @throws {OptionsError} Naming the option and what it must be; what it is may be a secret.
 */
export function resolveOptions(options: ResilientChatModelOptions): ResolvedOptions {
  const checked = schema.safeParse(options);
  if (!checked.success) {
    throw new OptionsError(
      `ResilientChatModel can't be made with these options:\n${formatIssues(checked.error)}`,
    );
  }
  const { retry = {}, timeout = {}, fallback = {}, breaker = {}, context = {}, hedge } = options;
  const adaptive = timeout.adaptive ?? true;
  return {
    models: options.models,
    baseURL: options.baseURL,
    apiKey: options.apiKey,
    retry: {
      maxRetries: retry.maxRetries ?? 3,
      baseDelayMs: retry.baseDelayMs ?? 500,
      maxDelayMs: retry.maxDelayMs ?? 30_000,
      deadlineMs: retry.deadlineMs ?? 300_000,
      quota: {
        capacity: retry.quota?.capacity ?? 100,
        retryCost: retry.quota?.retryCost ?? 5,
        successRefund: retry.quota?.successRefund ?? 1,
      },
    },
    timeout: {
      adaptive: adaptive === true ? "quantile" : adaptive,
      adaptiveFloorMs: timeout.adaptiveFloorMs ?? 10_000,
      latencyStore: timeout.latencyStore,
      connectMs: timeout.connectMs ?? 30_000,
      firstTokenMs: timeout.firstTokenMs ?? 60_000,
      idleMs: timeout.idleMs ?? 30_000,
      totalMs: timeout.totalMs ?? 300_000,
    },
    fallback: {
      onAuthentication: fallback.onAuthentication ?? false,
      onContentFilter: fallback.onContentFilter ?? false,
      stickyMs: fallback.stickyMs ?? 60_000,
    },
    hedge: hedge && {
      afterMs: hedge.afterMs,
      quantile: hedge.quantile ?? 0.95,
      maxRatio: hedge.maxRatio ?? 0.05,
    },
    breaker: {
      threshold: breaker.threshold ?? 0.5,
      windowSize: breaker.windowSize ?? 20,
      minimumAttempts: breaker.minimumAttempts ?? 5,
      openMs: breaker.openMs ?? 30_000,
    },
    streamRecovery: options.streamRecovery ?? "restart",
    context: {
      trimOnOverflow: context.trimOnOverflow ?? true,
      maxPromptTokens: context.maxPromptTokens,
    },
    budget: options.budget ?? {},
    createRateLimiter: options.createRateLimiter,
    onEvent: options.onEvent,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  };
}
