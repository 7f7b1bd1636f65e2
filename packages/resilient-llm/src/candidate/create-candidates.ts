import { createHash } from "node:crypto";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { ModelProfile } from "@langchain/core/language_models/profile";
import { ModelCosts } from "../cost/model-costs.ts";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import type { EndpointDescription } from "../failure/endpoint-description.ts";
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
import { Candidate, type CandidateDescription } from "./candidate.ts";
import { guessProvider } from "./guess-provider.ts";
import { checkSimulatedFaults } from "./inject-faults.ts";
import { InnerModel } from "./inner-model.ts";
import { LimitsLeft } from "./limits-left.ts";
import { listEndpoints, readModelName, type PlannedEndpoint } from "./list-endpoints.ts";
import { openModel, type OpenedModel } from "./open-model.ts";
import { RateLimiter } from "./rate-limiter.ts";

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

/** Gives each name once: a second one gets a number. */
class UniqueNames {
  readonly #occurrences = new Map<string, number>();

  take(wanted: string): string {
    const occurrence = (this.#occurrences.get(wanted) ?? 0) + 1;
    this.#occurrences.set(wanted, occurrence);
    return occurrence === 1 ? wanted : `${wanted} (${occurrence})`;
  }
}

/** How an endpoint is called that has no name of its own. */
function nameEndpoint({ baseUrl }: EndpointDescription): string {
  return URL.canParse(baseUrl) ? new URL(baseUrl).host : baseUrl;
}

/** How a candidate is told apart from the others. */
type Names = Pick<CandidateDescription, "name" | "model" | "endpointName">;

function createCandidate(
  { candidate, isListed, own, settings }: PlannedEndpoint,
  names: Names,
  isAlone: boolean,
  { chatModel, endpoint, isWatched }: OpenedModel,
  options: ResolvedOptions,
  events: EventHub,
): Candidate {
  const { name } = names;
  const { clock, createRateLimiter } = options;
  const limitsLeft = isAlone ? undefined : new LimitsLeft();
  const reported = chatModel as { profile?: ModelProfile };
  const profile: ModelProfile = { ...reported.profile, ...settings.profile };
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
      ...names,
      isListed,
      weight: own.weight ?? 1,
      canary: own.canary,
      limitsLeft,
      endpoint,
      // A deployment's name says less than that of the model it serves.
      provider:
        settings.provider ?? guessProvider(readModelName(candidate.model), endpoint.baseUrl),
      inner: new InnerModel(chatModel, isWatched),
      costs: new ModelCosts({
        model: endpoint.model,
        baseUrl: endpoint.baseUrl,
        pricing: settings.pricing,
        maxOutputTokens: settings.maxOutputTokens ?? readMaxOutputTokens(chatModel),
      }),
      payer: {
        // Not the key: what is needed only to tell keys apart need not hold them.
        id: hashText(endpoint.secrets[0] ?? `${endpoint.baseUrl} ${name}`),
        source: endpoint.apiKeySource,
      },
      profile,
      contextWindowTokens: settings.contextWindowTokens ?? profile.maxInputTokens,
      acceptsPrefill: settings.acceptsPrefill ?? false,
      rateLimiter:
        settings.rateLimit &&
        new RateLimiter(name, settings.rateLimit, createRateLimiter, (limit) =>
          limitsLeft?.noteCount(limit, clock.now()),
        ),
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

interface OpenedEndpoint {
  readonly planned: PlannedEndpoint;
  readonly opened: OpenedModel;
}

/** @throws InvalidOptionsError if keys are missing, with every one of them. */
function openAll(options: ResolvedOptions): OpenedEndpoint[][] {
  const problems: string[] = [];
  const models = options.models.map((option, index) =>
    listEndpoints(option, index).flatMap((planned) => {
      try {
        return [{ planned, opened: openModel(planned, options) }];
      } catch (error) {
        if (!InvalidOptionsError.isInstance(error)) throw error;
        problems.push(error.message);
        return [];
      }
    }),
  );
  if (problems.length > 0) throw new InvalidOptionsError([...new Set(problems)].join("\n"));
  return models;
}

/**
 * The chain as given by the option `models`: all endpoints of the first model, then those of the second.
 *
 * @throws InvalidOptionsError if a model given by name has no API key for its host, or cannot meet a fault that is
 * to be simulated.
 */
export function createCandidates(options: ResolvedOptions, events: EventHub): Candidate[] {
  const modelNames = new UniqueNames();
  const candidateNames = new UniqueNames();
  const models = openAll(options);
  checkSimulatedFaults(
    options,
    models.flat().map(({ opened: { isWatched }, planned }) => ({ isWatched, planned })),
  );
  return models.flatMap((endpoints) => {
    const [first] = endpoints;
    if (!first) return [];
    const { candidate, isListed } = first.planned;
    // The same model may stand in the chain twice, with two keys for instance.
    const model = modelNames.take(
      candidate.name ?? (isListed ? readModelName(candidate.model) : first.opened.endpoint.model),
    );
    return endpoints.map(({ opened, planned }) => {
      const endpointName = planned.own.name ?? nameEndpoint(opened.endpoint);
      const name = isListed ? candidateNames.take(`${model}@${endpointName}`) : model;
      const names = { name, model, endpointName };
      const isAlone = endpoints.length === 1;
      return createCandidate(planned, names, isAlone, opened, options, events);
    });
  });
}

/** The endpoints of each model, in the order of the chain. */
export function groupByModel(candidates: readonly Candidate[]): readonly (readonly Candidate[])[] {
  const models = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const endpoints = models.get(candidate.model);
    if (endpoints) endpoints.push(candidate);
    else models.set(candidate.model, [candidate]);
  }
  return [...models.values()];
}
