import { createHash } from "node:crypto";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { ModelProfile } from "@langchain/core/language_models/profile";
import { ModelCosts } from "../cost/model-costs.ts";
import type { CandidateOptions, ModelOption } from "../options/candidate-options.ts";
import {
  DEFAULT_CEILING_MS,
  REASONING_FIRST_TOKEN_MS,
  REASONING_TOTAL_MS,
} from "../options/default-ceilings.ts";
import type { ResolvedOptions } from "../options/resolve-options.ts";
import { RetryQuota } from "../retry/retry-quota.ts";
import type { EventHub } from "../events/events.ts";
import { AdaptiveTimeout } from "./adaptive-timeout.ts";
import { AnswerTimes, type PhaseLimit } from "./answer-times.ts";
import { Breaker } from "./breaker.ts";
import { Candidate } from "./candidate.ts";
import { guessProvider } from "./guess-provider.ts";
import { checkSimulatedFaults } from "./inject-faults.ts";
import { InnerModel } from "./inner-model.ts";
import { openModel, type OpenedModel } from "./open-model.ts";
import { RateLimiter } from "./rate-limiter.ts";

function readOption(option: ModelOption): CandidateOptions {
  if (typeof option === "string") return { model: option };
  return "lc_namespace" in option ? { model: option } : option;
}

function hashText(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}

/** The longest answer that a model asks for, in tokens. `undefined`: it sets no limit, as with -1. */
function readMaxOutputTokens(chatModel: BaseChatModel): number | undefined {
  const { maxTokens, modelKwargs } = chatModel as unknown as {
    maxTokens?: unknown;
    modelKwargs?: { max_tokens?: unknown; max_completion_tokens?: unknown };
  };
  return [modelKwargs?.max_completion_tokens, modelKwargs?.max_tokens, maxTokens].find(
    (value): value is number => typeof value === "number" && value > 0,
  );
}

function createCandidate(
  own: CandidateOptions,
  name: string,
  { chatModel, endpoint, isWatched }: OpenedModel,
  options: ResolvedOptions,
  events: EventHub,
): Candidate {
  const reported = chatModel as { profile?: ModelProfile };
  const profile: ModelProfile = { ...reported.profile, ...own.profile };
  const { adaptive, adaptiveFloorMs, firstTokenMs, latencyStore, totalMs } = options.timeout;
  const createLimit = (
    measure: string,
    ownCeilingMs: number | undefined,
    reasoningMs: number,
  ): PhaseLimit => {
    const limit = new AdaptiveTimeout(adaptive, {
      floorMs: adaptiveFloorMs,
      ceilingMs: ownCeilingMs ?? DEFAULT_CEILING_MS,
    });
    if (latencyStore) {
      const key = `${endpoint.baseUrl} ${endpoint.model} ${measure}`;
      limit.share(latencyStore, key, (error) =>
        events.emit({ type: "latency-store-failed", candidate: name, error }),
      );
    }
    return { limit, reasoningCeilingMs: ownCeilingMs ?? reasoningMs };
  };
  return new Candidate(
    {
      name,
      endpoint,
      provider: own.provider ?? guessProvider(endpoint.model, endpoint.baseUrl),
      inner: new InnerModel(chatModel, isWatched),
      costs: new ModelCosts({
        model: endpoint.model,
        baseUrl: endpoint.baseUrl,
        pricing: own.pricing,
        maxOutputTokens: own.maxOutputTokens ?? readMaxOutputTokens(chatModel),
      }),
      payer: {
        // Not the key: what is needed only to tell keys apart need not hold them.
        id: hashText(endpoint.secrets[0] ?? `${endpoint.baseUrl} ${name}`),
        source: endpoint.apiKeySource,
      },
      profile,
      contextWindowTokens: own.contextWindowTokens ?? profile.maxInputTokens,
      acceptsPrefill: own.acceptsPrefill ?? false,
      rateLimiter: own.rateLimit && new RateLimiter(name, own.rateLimit, options.createRateLimiter),
    },
    {
      breaker: new Breaker(options.breaker, (state) =>
        events.emit({ type: "breaker", candidate: name, state }),
      ),
      retryQuota: new RetryQuota(options.retry.quota),
      answerTimes: new AnswerTimes(
        createLimit("first-token", firstTokenMs, REASONING_FIRST_TOKEN_MS),
        createLimit("total", totalMs, REASONING_TOTAL_MS),
        profile.reasoningOutput === true,
      ),
    },
  );
}

/**
 * The chain as given by the option `models`.
 *
 * @throws InvalidOptionsError if a model given by name has no API key, or cannot meet a fault that is to be
 * simulated.
 */
export function createCandidates(options: ResolvedOptions, events: EventHub): Candidate[] {
  const occurrences = new Map<string, number>();
  const candidates = options.models.map((option) => {
    const own = readOption(option);
    const opened = openModel(own, options);
    // The same model may stand in the chain twice, with two keys for instance.
    const wanted = own.name ?? opened.endpoint.model;
    const occurrence = (occurrences.get(wanted) ?? 0) + 1;
    occurrences.set(wanted, occurrence);
    const name = occurrence === 1 ? wanted : `${wanted} (${occurrence})`;
    return createCandidate(own, name, opened, options, events);
  });
  checkSimulatedFaults(options, candidates);
  return candidates;
}
