import type { Pricing, TokenUsage } from "@threadkeep/resilient-llm";

/**
 * The price in all rows. Each kind of token has another one, so a cost tells how every token was
 * booked: 1,000 tokens of input and 100 of output cost $0.002.
 */
export const ROW_PRICING: Pricing = {
  inputPerMillionUsd: 1,
  cachedInputPerMillionUsd: 0.1,
  cacheWritePerMillionUsd: 1.25,
  outputPerMillionUsd: 10,
};

/** One way in which a provider reports what an answer used. */
export interface UsageRow {
  /** Who sends it. */
  readonly provider: string;
  /** What is particular about it. */
  readonly shape: string;
  /** The usage object as it is on the wire; `null`: none. */
  readonly usage: object | null;
  /** Where it lies. @default "usage" */
  readonly place?: "usage" | "x_groq" | "choice" | "every-chunk" | "in-parts";
  /** @default ROW_PRICING */
  readonly pricing?: "free";
  readonly headers?: Readonly<Record<string, string>>;
  /** Headers of a stream are sent before anybody knows the cost; only a stream has chunks. */
  readonly only?: "invoke" | "stream";
  /** @default 1,000 tokens of input, 100 of output, nothing else */
  readonly expected?: Partial<TokenUsage>;
  /** In USD; `null`: unknown. */
  readonly costUsd: number | null;
  /** @default "pricing" */
  readonly costSource?: "provider";
}

const OPENAI = { prompt_tokens: 1000, completion_tokens: 100, total_tokens: 1100 };
const COST_PLAIN = 0.002;
const COST_CACHED = 0.00128;

export const USAGE_ROWS: readonly UsageRow[] = [
  { provider: "OpenAI", shape: "plain", usage: OPENAI, costUsd: COST_PLAIN },
  {
    provider: "OpenAI",
    shape: "details that are null",
    usage: { ...OPENAI, prompt_tokens_details: null, completion_tokens_details: null },
    costUsd: COST_PLAIN,
  },
  {
    provider: "a gateway",
    shape: "counts as texts",
    usage: { prompt_tokens: "1000", completion_tokens: "100" },
    costUsd: COST_PLAIN,
  },
  {
    provider: "a gateway",
    shape: "the names of the Responses API",
    usage: { input_tokens: 1000, output_tokens: 100, total_tokens: 1100 },
    costUsd: COST_PLAIN,
  },
  {
    provider: "a gateway",
    shape: "both names, one of them 0",
    usage: { ...OPENAI, input_tokens: 0, output_tokens: 0 },
    costUsd: COST_PLAIN,
  },
  {
    provider: "a gateway",
    shape: "prompt and total only",
    usage: { prompt_tokens: 1000, total_tokens: 1100 },
    costUsd: COST_PLAIN,
  },

  // Read from the cache.
  {
    provider: "OpenAI",
    shape: "prompt_tokens_details.cached_tokens",
    usage: { ...OPENAI, prompt_tokens_details: { cached_tokens: 800 } },
    expected: { cachedInputTokens: 800 },
    costUsd: COST_CACHED,
  },
  {
    provider: "DeepSeek",
    shape: "prompt_cache_hit_tokens",
    usage: { ...OPENAI, prompt_cache_hit_tokens: 800, prompt_cache_miss_tokens: 200 },
    expected: { cachedInputTokens: 800 },
    costUsd: COST_CACHED,
  },
  {
    provider: "DeepSeek through a gateway",
    shape: "prompt_cache_hit_tokens beside details of 0",
    usage: {
      ...OPENAI,
      prompt_cache_hit_tokens: 800,
      prompt_tokens_details: { cached_tokens: 0 },
    },
    expected: { cachedInputTokens: 800 },
    costUsd: COST_CACHED,
  },
  {
    provider: "Moonshot",
    shape: "cached_tokens",
    usage: { ...OPENAI, cached_tokens: 800 },
    expected: { cachedInputTokens: 800 },
    costUsd: COST_CACHED,
  },
  {
    provider: "Mistral",
    shape: "num_cached_tokens",
    usage: { ...OPENAI, num_cached_tokens: 800 },
    expected: { cachedInputTokens: 800 },
    costUsd: COST_CACHED,
  },

  // Written to the cache: 200 plain, 800 written, 100 out.
  {
    provider: "Anthropic through LiteLLM",
    shape: "cache_creation_input_tokens as part of prompt_tokens",
    usage: { ...OPENAI, cache_creation_input_tokens: 800, cache_read_input_tokens: 0 },
    expected: { cacheWriteInputTokens: 800 },
    costUsd: 0.0022,
  },
  {
    provider: "Anthropic through a gateway",
    shape: "cache_creation_input_tokens beside a smaller prompt_tokens",
    usage: {
      prompt_tokens: 200,
      completion_tokens: 100,
      total_tokens: 300,
      cache_creation_input_tokens: 800,
    },
    expected: { cacheWriteInputTokens: 800 },
    costUsd: 0.0022,
  },
  {
    provider: "Anthropic through a gateway",
    shape: "a total that counts the cache on top of prompt_tokens",
    usage: {
      prompt_tokens: 600,
      completion_tokens: 100,
      total_tokens: 1100,
      cache_creation_input_tokens: 300,
      cache_read_input_tokens: 100,
    },
    expected: { cacheWriteInputTokens: 300, cachedInputTokens: 100 },
    costUsd: 0.001_985,
  },
  {
    provider: "Anthropic",
    shape: "its own names, the cache apart",
    usage: {
      input_tokens: 600,
      output_tokens: 100,
      cache_creation_input_tokens: 300,
      cache_read_input_tokens: 100,
    },
    expected: { cacheWriteInputTokens: 300, cachedInputTokens: 100 },
    costUsd: 0.001_985,
  },
  {
    provider: "OpenRouter",
    shape: "prompt_tokens_details.cache_write_tokens",
    usage: { ...OPENAI, prompt_tokens_details: { cached_tokens: 100, cache_write_tokens: 300 } },
    expected: { cacheWriteInputTokens: 300, cachedInputTokens: 100 },
    costUsd: 0.001_985,
  },
  {
    provider: "DashScope",
    shape: "prompt_tokens_details.cache_creation_input_tokens",
    usage: { ...OPENAI, prompt_tokens_details: { cache_creation_input_tokens: 800 } },
    expected: { cacheWriteInputTokens: 800 },
    costUsd: 0.0022,
  },

  // Thinking.
  {
    provider: "OpenAI",
    shape: "reasoning within completion_tokens",
    usage: { ...OPENAI, completion_tokens_details: { reasoning_tokens: 60 } },
    expected: { reasoningTokens: 60 },
    costUsd: COST_PLAIN,
  },
  {
    provider: "xAI",
    shape: "reasoning outside of completion_tokens, in the total",
    usage: {
      ...OPENAI,
      total_tokens: 1400,
      completion_tokens_details: { reasoning_tokens: 300 },
    },
    expected: { outputTokens: 400, reasoningTokens: 300 },
    costUsd: 0.005,
  },
  {
    provider: "Gemini",
    shape: "thinking in the total only",
    usage: { ...OPENAI, total_tokens: 1400 },
    expected: { outputTokens: 400, reasoningTokens: 300 },
    costUsd: 0.005,
  },
  {
    provider: "Gemini",
    shape: "thinking in the total only, a part of the prompt cached",
    usage: { ...OPENAI, total_tokens: 1400, prompt_tokens_details: { cached_tokens: 800 } },
    expected: { cachedInputTokens: 800, outputTokens: 400, reasoningTokens: 300 },
    costUsd: 0.004_28,
  },
  {
    provider: "a gateway",
    shape: "more reasoning than completion_tokens and no total",
    usage: { prompt_tokens: 1000, completion_tokens: 100, reasoning_tokens: 300 },
    expected: { outputTokens: 400, reasoningTokens: 300 },
    costUsd: 0.005,
  },

  // The provider's own figure.
  {
    provider: "OpenRouter",
    shape: "usage.cost",
    usage: { ...OPENAI, cost: 0.001_23, cost_details: { upstream_inference_cost: null } },
    costUsd: 0.001_23,
    costSource: "provider",
  },
  {
    provider: "OpenRouter",
    shape: "usage.cost with a key of the user's own: the fee and what the maker takes",
    usage: {
      ...OPENAI,
      cost: 0.0001,
      is_byok: true,
      cost_details: { upstream_inference_cost: 0.002 },
    },
    costUsd: 0.0021,
    costSource: "provider",
  },
  {
    provider: "OpenRouter",
    shape: "usage.cost of 0, a free model",
    usage: { ...OPENAI, cost: 0 },
    costUsd: 0,
    costSource: "provider",
  },
  {
    provider: "a gateway",
    shape: "usage.cost as a text",
    usage: { ...OPENAI, cost: "0.00123" },
    costUsd: 0.001_23,
    costSource: "provider",
  },
  {
    provider: "a gateway",
    shape: "usage.cost that is null",
    usage: { ...OPENAI, cost: null },
    costUsd: COST_PLAIN,
  },
  {
    provider: "xAI",
    shape: "usage.cost_in_usd_ticks",
    usage: { ...OPENAI, cost_in_usd_ticks: 12_300_000 },
    costUsd: 0.001_23,
    costSource: "provider",
  },
  {
    provider: "Perplexity",
    shape: "usage.cost as an object",
    usage: { ...OPENAI, cost: { request_cost: 0.006, total_cost: 0.0075 } },
    costUsd: 0.0075,
    costSource: "provider",
  },
  {
    provider: "DeepInfra",
    shape: "usage.estimated_cost",
    usage: { ...OPENAI, estimated_cost: 0.000_19 },
    costUsd: 0.000_19,
    costSource: "provider",
  },
  {
    provider: "LiteLLM",
    shape: "the header x-litellm-response-cost",
    usage: OPENAI,
    headers: { "x-litellm-response-cost": "0.00123" },
    only: "invoke",
    costUsd: 0.001_23,
    costSource: "provider",
  },
  {
    provider: "LiteLLM",
    shape: "the header x-litellm-response-cost of 0, for it knows no price",
    usage: OPENAI,
    headers: { "x-litellm-response-cost": "0.0" },
    costUsd: COST_PLAIN,
  },

  {
    provider: "a local server",
    shape: "real counts, and it is free",
    usage: OPENAI,
    pricing: "free",
    costUsd: 0,
  },

  // Where it lies.
  {
    provider: "Moonshot",
    shape: "choices[0].usage",
    usage: OPENAI,
    place: "choice",
    costUsd: COST_PLAIN,
  },
  {
    provider: "Moonshot",
    shape: "choices[0].usage with cached_tokens",
    usage: { ...OPENAI, cached_tokens: 800 },
    place: "choice",
    expected: { cachedInputTokens: 800 },
    costUsd: COST_CACHED,
  },
  { provider: "Groq", shape: "x_groq.usage", usage: OPENAI, place: "x_groq", costUsd: COST_PLAIN },
  {
    provider: "vLLM",
    shape: "usage so far in every chunk",
    usage: OPENAI,
    place: "every-chunk",
    only: "stream",
    costUsd: COST_PLAIN,
  },
  {
    provider: "a gateway",
    shape: "the prompt in the first chunk, the output in the last",
    usage: OPENAI,
    place: "in-parts",
    only: "stream",
    costUsd: COST_PLAIN,
  },
];

const ZEROS = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };

/** What local servers report that do not count. */
export const UNMETERED_ROWS: readonly UsageRow[] = [
  { provider: "a local server", shape: "zeros", usage: ZEROS, costUsd: null },
  {
    provider: "a local server",
    shape: "zeros, and it is free",
    usage: ZEROS,
    pricing: "free",
    costUsd: 0,
  },
];

/** A model's name as users write it, and where the tables have it. */
export interface PriceRow {
  readonly model: string;
  /** @default an address that no provider has */
  readonly baseUrl?: string;
  /** `provider:model` of `@pydantic/genai-prices`. */
  readonly listed: `${string}:${string}`;
}

export const PRICE_ROWS: readonly PriceRow[] = [
  // As OpenRouter, LiteLLM and other gateways write them.
  { model: "openai/gpt-4.1", listed: "openai:gpt-4.1" },
  { model: "deepseek/deepseek-chat", listed: "deepseek:deepseek-chat" },
  {
    model: "accounts/fireworks/models/deepseek-v3p2",
    listed: "fireworks:accounts/fireworks/models/deepseek-v3p2",
  },
  {
    model: "fireworks_ai/accounts/fireworks/models/deepseek-v3p2",
    listed: "fireworks:accounts/fireworks/models/deepseek-v3p2",
  },
  { model: "azure/gpt-4o", listed: "azure:gpt-4o" },
  { model: "azure_ai/gpt-4o", listed: "azure:gpt-4o" },
  {
    model: "meta-llama/llama-3.3-70b-instruct",
    listed: "openrouter:meta-llama/llama-3.3-70b-instruct",
  },
  { model: "x-ai/grok-4", listed: "x-ai:grok-4" },
  { model: "xai/grok-4", listed: "x-ai:grok-4" },
  { model: "anthropic/claude-sonnet-4.5", listed: "anthropic:claude-sonnet-4.5" },
  { model: "gemini/gemini-2.5-flash", listed: "google:gemini-2.5-flash" },
  { model: "vertex_ai/gemini-2.5-flash", listed: "google:gemini-2.5-flash" },
  { model: "models/gemini-2.5-flash", listed: "google:gemini-2.5-flash" },
  { model: "groq/llama-3.3-70b-versatile", listed: "groq:llama-3.3-70b-versatile" },
  { model: "openrouter/openai/gpt-4.1", listed: "openrouter:openai/gpt-4.1" },
  {
    model: "together_ai/meta-llama/Llama-3.3-70B-Instruct-Turbo",
    listed: "together:meta-llama/Llama-3.3-70B-Instruct-Turbo",
  },
  { model: "openai:gpt-4.1", listed: "openai:gpt-4.1" },
  { model: "openai/gpt-4.1:online", listed: "openai:gpt-4.1" },
  { model: "qwen/qwen3-32b", listed: "openrouter:qwen/qwen3-32b" },
  { model: "moonshotai/kimi-k2", listed: "moonshotai:kimi-k2" },
  {
    model: "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    listed: "aws:us.anthropic.claude-sonnet-4-5-20250929-v1:0",
  },
  {
    model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    listed: "aws:us.anthropic.claude-sonnet-4-5-20250929-v1:0",
  },
  // As their providers name them, at an address that says nothing, and at their own.
  { model: "gpt-4.1", listed: "openai:gpt-4.1" },
  { model: "grok-4", listed: "x-ai:grok-4" },
  {
    model: "llama-3.3-70b-versatile",
    baseUrl: "https://api.groq.com/openai/v1",
    listed: "groq:llama-3.3-70b-versatile",
  },
  {
    model: "openai/gpt-oss-120b",
    baseUrl: "https://api.groq.com/openai/v1",
    listed: "groq:openai/gpt-oss-120b",
  },
  {
    model: "openai/gpt-4.1",
    baseUrl: "https://openrouter.ai/api/v1",
    listed: "openrouter:openai/gpt-4.1",
  },
  {
    model: "deepseek/deepseek-chat:free",
    baseUrl: "https://openrouter.ai/api/v1",
    listed: "openrouter:deepseek/deepseek-chat:free",
  },
  { model: "gpt-4.1", baseUrl: "https://mine.openai.azure.com/openai/v1", listed: "azure:gpt-4.1" },
  {
    model: "meta-llama/Llama-3.3-70B-Instruct-Turbo",
    baseUrl: "https://api.together.xyz/v1",
    listed: "together:meta-llama/Llama-3.3-70B-Instruct-Turbo",
  },
];
