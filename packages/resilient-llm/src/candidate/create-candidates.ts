import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { ModelProfile } from "@langchain/core/language_models/profile";
import { ChatOpenAI } from "@langchain/openai";
import { OptionsError } from "../errors/options-error.ts";
import type { EndpointDescription } from "../failure/classify-provider-error.ts";
import type { ResolvedOptions } from "../options/resolve-options.ts";
import { RetryQuota } from "../retry/retry-quota.ts";
import type { EventHub } from "../telemetry/events.ts";
import { AdaptiveTimeout } from "./adaptive-timeout.ts";
import { Breaker } from "./breaker.ts";
import type { CandidateOptions, ModelOption } from "../options/candidate-options.ts";
import { assembleCandidate, type Candidate } from "./candidate.ts";
import { listSecrets, showUrl } from "./endpoint-secrets.ts";
import { InnerModel, isPlainChatOpenAI, watchChatOpenAI } from "./inner-model.ts";
import { RateLimiter } from "./rate-limiter.ts";

const openAiBaseUrl = "https://api.openai.com/v1";

const providersByModel: readonly (readonly [RegExp, string])[] = [
  [/^(?:gpt|o\d|chatgpt)/i, "openai"],
  [/claude/i, "anthropic"],
  [/gemini|gemma/i, "google"],
  [/deepseek/i, "deepseek"],
  [/mistral|mixtral|codestral/i, "mistral"],
  [/llama/i, "meta"],
  [/qwen/i, "alibaba"],
  [/grok/i, "xai"],
];

function guessProvider(model: string, baseUrl: string): string {
  const known = providersByModel.find(([pattern]) => pattern.test(model));
  if (known) return known[1];
  return URL.canParse(baseUrl) ? new URL(baseUrl).host : baseUrl;
}

interface Described {
  readonly chatModel: BaseChatModel;
  readonly endpoint: EndpointDescription;
}

function describeByName(name: string, own: CandidateOptions, options: ResolvedOptions): Described {
  const baseUrl = own.baseURL ?? options.baseURL ?? process.env["OPENAI_BASE_URL"] ?? openAiBaseUrl;
  const apiKey = own.apiKey ?? options.apiKey ?? process.env["OPENAI_API_KEY"];
  if (!apiKey) {
    throw new OptionsError(
      `No API key for the model ${name} at ${showUrl(baseUrl)}: set the option apiKey or the variable OPENAI_API_KEY` +
        " (any text, if the server wants none)",
    );
  }
  const chatModel = watchChatOpenAI(
    new ChatOpenAI({
      ...own.fields,
      ...(own.maxOutputTokens === undefined ? {} : { maxTokens: own.maxOutputTokens }),
      model: name,
      apiKey,
      configuration: { ...own.fields?.configuration, baseURL: baseUrl },
    }),
  );
  let apiKeySource = "OPENAI_API_KEY";
  if (own.apiKey) apiKeySource = `the option apiKey of ${name}`;
  else if (options.apiKey) apiKeySource = "the option apiKey";
  return {
    chatModel,
    endpoint: {
      model: name,
      baseUrl: showUrl(baseUrl),
      apiKeySource,
      secrets: listSecrets(apiKey, baseUrl, own.fields?.configuration),
    },
  };
}

function describeChatModel(chatModel: BaseChatModel): Described {
  const { model, modelName, clientConfig, apiKey, caller } = chatModel as unknown as {
    model?: unknown;
    modelName?: unknown;
    clientConfig?: { baseURL?: string | null };
    apiKey?: unknown;
    caller?: { maxRetries?: number };
  };
  const watchable = isPlainChatOpenAI(chatModel);
  const name =
    [model, modelName].find((value): value is string => typeof value === "string") ??
    chatModel.getName();
  if (!watchable && (caller?.maxRetries ?? 0) > 0) {
    process.emitWarning(
      `${chatModel.getName()} retries by itself: construct it with maxRetries: 0, because` +
        " ResilientChatModel retries too and the requests would multiply",
      { code: "THREADKEEP_INNER_RETRIES" },
    );
  }
  const baseUrl = clientConfig?.baseURL ?? process.env["OPENAI_BASE_URL"] ?? openAiBaseUrl;
  return {
    chatModel: watchable ? watchChatOpenAI(chatModel) : chatModel,
    endpoint: {
      model: name,
      baseUrl: watchable || clientConfig?.baseURL ? showUrl(baseUrl) : chatModel.getName(),
      apiKeySource: `the key given to ${chatModel.getName()}`,
      secrets: listSecrets(apiKey, baseUrl, clientConfig),
    },
  };
}

function readOption(option: ModelOption): CandidateOptions {
  if (typeof option === "string") return { model: option };
  return "lc_namespace" in option ? { model: option } : option;
}

function createCandidate(
  own: CandidateOptions,
  name: string | undefined,
  described: Described,
  options: ResolvedOptions,
  events: EventHub,
): Candidate {
  const { endpoint, chatModel } = described;
  const candidateName = name ?? endpoint.model;
  const inner = new InnerModel(chatModel);
  const reported = (chatModel as { profile?: ModelProfile }).profile ?? {};
  const profile: ModelProfile = { ...reported, ...own.profile };
  const { adaptive, adaptiveFloorMs, firstTokenMs, latencyStore, totalMs } = options.timeout;
  const createLimit = (ceilingMs: number, measure: string) => {
    const limit = new AdaptiveTimeout(adaptive || "quantile", {
      floorMs: adaptive ? Math.min(adaptiveFloorMs, ceilingMs) : ceilingMs,
      ceilingMs,
    });
    const key = `${endpoint.baseUrl} ${endpoint.model} ${measure}`;
    if (latencyStore) {
      limit.share(latencyStore, key, (error) =>
        events.emit({ type: "latency-store-failed", candidate: candidateName, error }),
      );
    }
    return limit;
  };
  return assembleCandidate({
    name: candidateName,
    endpoint,
    provider: own.provider ?? guessProvider(endpoint.model, endpoint.baseUrl),
    inner,
    pricing: own.pricing,
    profile,
    contextWindowTokens: own.contextWindowTokens ?? profile.maxInputTokens,
    maxOutputTokens:
      own.maxOutputTokens ?? (chatModel as { maxTokens?: number }).maxTokens ?? undefined,
    breaker: new Breaker(options.breaker, (state) =>
      events.emit({ type: "breaker", candidate: candidateName, state }),
    ),
    retryQuota: new RetryQuota(options.retry.quota),
    firstTokenLimit: createLimit(firstTokenMs, "first-token"),
    totalLimit: createLimit(totalMs, "total"),
    rateLimiter: own.rateLimit
      ? new RateLimiter(candidateName, own.rateLimit, options.createRateLimiter)
      : undefined,
  });
}

/**
 * The chain as given by the option `models`.
 *
 * @throws {OptionsError} If a model given by name has no API key.
 */
export function createCandidates(options: ResolvedOptions, events: EventHub): Candidate[] {
  const names = new Map<string, number>();
  return options.models.map((option) => {
    const own = readOption(option);
    const described =
      typeof own.model === "string"
        ? describeByName(own.model, own, options)
        : describeChatModel(own.model);
    // The same model may stand in the chain twice, with two keys for instance.
    const wanted = own.name ?? described.endpoint.model;
    const occurrence = (names.get(wanted) ?? 0) + 1;
    names.set(wanted, occurrence);
    const name = occurrence === 1 ? wanted : `${wanted} (${occurrence})`;
    return createCandidate(own, name, described, options, events);
  });
}
