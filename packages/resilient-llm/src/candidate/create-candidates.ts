import type { ModelProfile } from "@langchain/core/language_models/profile";
import type { CandidateOptions, ModelOption } from "../options/candidate-options.ts";
import type { ResolvedOptions } from "../options/resolve-options.ts";
import { RetryQuota } from "../retry/retry-quota.ts";
import type { EventHub } from "../events/events.ts";
import { AdaptiveTimeout } from "./adaptive-timeout.ts";
import { Breaker } from "./breaker.ts";
import { Candidate } from "./candidate.ts";
import { guessProvider } from "./guess-provider.ts";
import { InnerModel } from "./inner-model.ts";
import { openModel, type OpenedModel } from "./open-model.ts";
import { RateLimiter } from "./rate-limiter.ts";

function readOption(option: ModelOption): CandidateOptions {
  if (typeof option === "string") return { model: option };
  return "lc_namespace" in option ? { model: option } : option;
}

function createCandidate(
  own: CandidateOptions,
  name: string,
  { chatModel, endpoint, isWatched }: OpenedModel,
  options: ResolvedOptions,
  events: EventHub,
): Candidate {
  const reported = chatModel as { profile?: ModelProfile; maxTokens?: number };
  const profile: ModelProfile = { ...reported.profile, ...own.profile };
  const { adaptive, adaptiveFloorMs, firstTokenMs, latencyStore, totalMs } = options.timeout;
  const createLimit = (ceilingMs: number, measure: string) => {
    const limit = new AdaptiveTimeout(adaptive || "quantile", {
      floorMs: adaptive ? Math.min(adaptiveFloorMs, ceilingMs) : ceilingMs,
      ceilingMs,
    });
    if (latencyStore) {
      const key = `${endpoint.baseUrl} ${endpoint.model} ${measure}`;
      limit.share(latencyStore, key, (error) =>
        events.emit({ type: "latency-store-failed", candidate: name, error }),
      );
    }
    return limit;
  };
  return new Candidate(
    {
      name,
      endpoint,
      provider: own.provider ?? guessProvider(endpoint.model, endpoint.baseUrl),
      inner: new InnerModel(chatModel, isWatched),
      pricing: own.pricing,
      profile,
      contextWindowTokens: own.contextWindowTokens ?? profile.maxInputTokens,
      maxOutputTokens: own.maxOutputTokens ?? reported.maxTokens ?? undefined,
      rateLimiter: own.rateLimit && new RateLimiter(name, own.rateLimit, options.createRateLimiter),
    },
    {
      breaker: new Breaker(options.breaker, (state) =>
        events.emit({ type: "breaker", candidate: name, state }),
      ),
      retryQuota: new RetryQuota(options.retry.quota),
      firstTokenLimit: createLimit(firstTokenMs, "first-token"),
      totalLimit: createLimit(totalMs, "total"),
    },
  );
}

/**
 * The chain as given by the option `models`.
 *
 * @throws InvalidOptionsError if a model given by name has no API key.
 */
export function createCandidates(options: ResolvedOptions, events: EventHub): Candidate[] {
  const occurrences = new Map<string, number>();
  return options.models.map((option) => {
    const own = readOption(option);
    const opened = openModel(own, options);
    // The same model may stand in the chain twice, with two keys for instance.
    const wanted = own.name ?? opened.endpoint.model;
    const occurrence = (occurrences.get(wanted) ?? 0) + 1;
    occurrences.set(wanted, occurrence);
    const name = occurrence === 1 ? wanted : `${wanted} (${occurrence})`;
    return createCandidate(own, name, opened, options, events);
  });
}
