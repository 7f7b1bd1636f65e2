import { z } from "zod";
import type { BudgetOptions } from "../cost/budget-book.ts";
import { OptionsError } from "../errors/options-error.ts";
import type { ClassifyOption } from "../failure/classify-option.ts";
import { looksLikeKey } from "../failure/redact.ts";
import type { RetryQuotaOptions } from "../retry/retry-quota.ts";
import type { ResilienceListener } from "../events/events.ts";
import { systemClock, type Clock } from "../time/clock.ts";
import type { ModelOption } from "./candidate-options.ts";
import type { LatencyStore } from "./latency-store.ts";
import type { RateLimiterFactory } from "./rate-limiter-factory.ts";
import type {
  AdaptiveStrategy,
  BreakerOptions,
  EmptyAnswerHandling,
  ResilientChatModelOptions,
  StreamRecovery,
} from "./resilient-chat-model-options.ts";

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
    readonly maxBlockMs: number;
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
    readonly onBadRequest: boolean;
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
  readonly emptyAnswer: EmptyAnswerHandling;
  readonly classify: ClassifyOption | undefined;
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
  cacheWritePerMillionUsd: z.number().nonnegative().optional(),
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
  pricing: z.union([pricing, z.literal("free")]).optional(),
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
      maxBlockMs: duration.optional(),
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
      onBadRequest: z.boolean().optional(),
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
  emptyAnswer: z.enum(["repair", "accept"]).optional(),
  classify: z
    .custom<ClassifyOption>((value) => typeof value === "function", "expected a function")
    .optional(),
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
      perKey: z.strictObject({ ...limits, period: z.enum(["day", "month"]) }).optional(),
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
      maxBlockMs: retry.maxBlockMs ?? 600_000,
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
      onBadRequest: fallback.onBadRequest ?? false,
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
    emptyAnswer: options.emptyAnswer ?? "repair",
    classify: options.classify,
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
