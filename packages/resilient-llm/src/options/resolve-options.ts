import { z } from "zod";
import type { BudgetOptions } from "../cost/budget-book.ts";
import type { ClassifyOption } from "../failure/classify-option.ts";
import type { RetryQuotaOptions } from "../retry/retry-quota.ts";
import type { ResilienceListener } from "../events/events.ts";
import { systemClock, type Clock } from "../time/clock.ts";
import { models } from "./candidate-schema.ts";
import type { ModelOption } from "./candidate-options.ts";
import { checkOptions } from "./check-options.ts";
import { type ResolvedFaults, simulatedFaults } from "./simulated-faults-schema.ts";
import { journal, type ResolvedJournal } from "./journal-options.ts";
import { ledger, type ResolvedLedger } from "./ledger-options.ts";
import type { LatencyStore } from "./latency-store.ts";
import type { RateLimiterFactory } from "./rate-limiter-factory.ts";
import type {
  AdaptiveStrategy,
  BreakerOptions,
  EmptyAnswerHandling,
  ResilientChatModelOptions,
  StreamRecovery,
} from "./resilient-chat-model-options.ts";
import {
  count,
  delayMs,
  functionOf,
  limitMs,
  objectWith,
  positiveCount,
  refused,
  secret,
  url,
} from "./value-schemas.ts";

/** Options with every default filled in. */
export interface ResolvedOptions {
  readonly models: readonly ModelOption[];
  readonly baseURL: string | undefined;
  readonly apiKey: string | undefined;
  readonly retry: {
    readonly maxRetries: number;
    readonly baseDelayMs: number;
    readonly maxDelayMs: number;
    /** `undefined`: as long as the slowest model of the chain may need. */
    readonly deadlineMs: number | undefined;
    readonly maxBlockMs: number;
    readonly quota: RetryQuotaOptions;
  };
  readonly timeout: {
    readonly adaptive: AdaptiveStrategy | false;
    readonly adaptiveFloorMs: number;
    readonly latencyStore: LatencyStore | undefined;
    /** `undefined`: longer for a long prompt. */
    readonly connectMs: number | undefined;
    /** `undefined`: as the model needs it. */
    readonly firstTokenMs: number | undefined;
    readonly idleMs: number;
    /** `undefined`: as the model needs it. */
    readonly totalMs: number | undefined;
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
  readonly maxConcurrency: number;
  readonly maxResponseBytes: number;
  readonly journal: ResolvedJournal | undefined;
  readonly ledger: ResolvedLedger | undefined;
  readonly simulateFaults: ResolvedFaults | undefined;
  readonly onEvent: ResilienceListener | undefined;
  readonly clock: Clock;
  readonly random: () => number;
}

/** More than any answer in text needs, also one with several images in it. */
const DEFAULT_MAX_RESPONSE_BYTES = 64 * 1024 * 1024;

const limits = { maxCostUsd: z.number().nonnegative().optional(), maxTokens: count.optional() };

const budget = z.strictObject({
  ...limits,
  perThread: z.strictObject(limits).optional(),
  perRun: z.strictObject(limits).optional(),
  perKey: z.strictObject({ ...limits, period: z.enum(["day", "month"]) }).optional(),
  onUnknownPrice: z.enum(["refuse", "allow"]).optional(),
});

/** Options of LangChain's base class. Those that mean nothing here are refused, with what to use. */
const baseOptions = {
  cache: z
    .union([z.boolean(), objectWith("lookup", "update")], {
      error: "true, false or a LangChain cache",
    })
    .optional(),
  callbacks: z
    .custom<object>(
      (value) => typeof value === "object" && value !== null,
      "an array of callback handlers or a callback manager",
    )
    .optional(),
  callbackManager: refused("nothing here, because callbacks takes its place"),
  disableStreaming: z.boolean().optional(),
  maxRetries: refused("nothing here, because retry.maxRetries sets the retries"),
  metadata: z.record(z.string(), z.unknown()).optional(),
  onFailedAttempt: refused("nothing here, because onEvent hears of failed attempts"),
  outputVersion: z.enum(["v0", "v1"]).optional(),
  streaming: refused("nothing here, because stream() and invoke() decide for each call"),
  tags: z.array(z.string()).optional(),
  temperature: refused("it in models, as in models: [{ model, fields: { temperature: 0 } }]"),
  maxTokens: refused("it in models, as in models: [{ model, maxOutputTokens: 1000 }]"),
  verbose: z.boolean().optional(),
};

const schema = z.strictObject({
  ...baseOptions,
  models,
  baseURL: url.optional(),
  apiKey: secret.optional(),
  retry: z
    .strictObject({
      maxRetries: count.default(3),
      baseDelayMs: delayMs.default(500),
      maxDelayMs: delayMs.default(30_000),
      deadlineMs: limitMs.optional(),
      maxBlockMs: limitMs.default(600_000),
      quota: z
        .strictObject({
          capacity: z.number().nonnegative().default(100),
          retryCost: z.number().nonnegative().default(5),
          successRefund: z.number().nonnegative().default(1),
        })
        .prefault({}),
    })
    .prefault({}),
  timeout: z
    .strictObject({
      adaptive: z
        .union([z.boolean(), z.enum(["quantile", "mean"])], {
          error: 'true, false, "quantile" or "mean"',
        })
        .default(true),
      adaptiveFloorMs: delayMs.default(10_000),
      latencyStore: objectWith<LatencyStore>("read", "append").optional(),
      connectMs: limitMs.optional(),
      firstTokenMs: limitMs.optional(),
      idleMs: limitMs.default(30_000),
      totalMs: limitMs.optional(),
    })
    .prefault({}),
  fallback: z
    .strictObject({
      onAuthentication: z.boolean().default(false),
      onContentFilter: z.boolean().default(false),
      onBadRequest: z.boolean().default(false),
      stickyMs: delayMs.default(60_000),
    })
    .prefault({}),
  hedge: z
    .strictObject({
      afterMs: delayMs.optional(),
      quantile: z.number().gt(0).lt(1).optional(),
      maxRatio: z.number().gt(0).max(1).default(0.05),
    })
    .refine(
      ({ afterMs, quantile }) => afterMs === undefined || quantile === undefined,
      "afterMs or quantile, not both",
    )
    .optional(),
  breaker: z
    .strictObject({
      threshold: z.number().gt(0).lt(1).default(0.5),
      windowSize: positiveCount.default(20),
      minimumAttempts: positiveCount.default(5),
      openMs: z.number().positive().default(30_000),
    })
    .superRefine(({ minimumAttempts, windowSize }, context) => {
      if (minimumAttempts <= windowSize) return;
      const message = `at most windowSize (${windowSize}), else it would never open`;
      context.addIssue({ code: "custom", path: ["minimumAttempts"], message });
    })
    .prefault({}),
  streamRecovery: z.enum(["continue", "restart", "error"]).default("continue"),
  emptyAnswer: z.enum(["repair", "accept"]).default("repair"),
  classify: functionOf<ClassifyOption>().optional(),
  context: z
    .strictObject({
      trimOnOverflow: z.boolean().default(true),
      maxPromptTokens: positiveCount.optional(),
    })
    .prefault({}),
  budget: budget.prefault({}),
  createRateLimiter: functionOf<RateLimiterFactory>().optional(),
  maxConcurrency: z
    .custom<number>(
      (value) => value === Infinity || (Number.isSafeInteger(value) && Number(value) >= 1),
      "a whole number from 1, or Infinity",
    )
    .default(Infinity),
  maxResponseBytes: positiveCount.default(DEFAULT_MAX_RESPONSE_BYTES),
  journal: journal.optional(),
  ledger: ledger.optional(),
  simulateFaults: simulatedFaults.optional(),
  onEvent: functionOf<ResilienceListener>().optional(),
  clock: objectWith<Clock>("now", "setTimer").default(systemClock),
  random: functionOf<() => number>().default(() => Math.random),
});

/**
 * Checks options and fills in defaults.
 *
 * @throws InvalidOptionsError if options are missing, unknown or of no use
 */
export function resolveOptions(options: ResilientChatModelOptions): ResolvedOptions {
  const checked = checkOptions("ResilientChatModel", schema, options);
  const { timeout, hedge, context } = checked;
  const { adaptive } = timeout;
  return {
    ...checked,
    baseURL: checked.baseURL,
    apiKey: checked.apiKey,
    classify: checked.classify,
    retry: { ...checked.retry, deadlineMs: checked.retry.deadlineMs },
    timeout: {
      ...timeout,
      adaptive: adaptive === true ? "quantile" : adaptive,
      connectMs: timeout.connectMs,
      firstTokenMs: timeout.firstTokenMs,
      totalMs: timeout.totalMs,
      latencyStore: timeout.latencyStore,
    },
    hedge: hedge && { ...hedge, afterMs: hedge.afterMs, quantile: hedge.quantile ?? 0.95 },
    context: { ...context, maxPromptTokens: context.maxPromptTokens },
    createRateLimiter: checked.createRateLimiter,
    journal: checked.journal,
    ledger: checked.ledger,
    simulateFaults: checked.simulateFaults,
    onEvent: checked.onEvent,
  };
}
