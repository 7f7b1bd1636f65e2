import { type Fields, readFields } from "./read-fields.ts";
import { readReportedCost } from "./reported-cost.ts";
import { createEstimatedUsage, type TokenEstimate, type TokenUsage } from "./token-usage.ts";

/** A field, or a field of an object. */
type FieldPath = readonly [name: string, inner: string | undefined];

function splitPaths(paths: readonly string[]): readonly FieldPath[] {
  return paths.map((path) => {
    const [name = "", inner] = path.split(".");
    return [name, inner];
  });
}

/**
 * Under which names providers report a count, from the most common one on. The largest counts: a
 * gateway may leave a zero under one name and have the number under another.
 */
const PATHS = {
  input: splitPaths([
    "prompt_tokens",
    "input_tokens",
    "promptTokens",
    "inputTokens",
    "promptTokenCount",
  ]),
  output: splitPaths([
    "completion_tokens",
    "output_tokens",
    "completionTokens",
    "outputTokens",
    "candidatesTokenCount",
  ]),
  total: splitPaths(["total_tokens", "totalTokens", "totalTokenCount"]),
  cached: splitPaths([
    "prompt_tokens_details.cached_tokens", // OpenAI, xAI, Groq, OpenRouter, LiteLLM
    "input_tokens_details.cached_tokens", // OpenAI's Responses API
    "input_tokens_details.cache_read_input_tokens", // Perplexity
    "input_token_details.cache_read", // LangChain
    "prompt_cache_hit_tokens", // DeepSeek
    "cached_tokens", // Moonshot
    "num_cached_tokens", // Mistral
    "cache_read_input_tokens", // Anthropic
    "cachedContentTokenCount", // Gemini's own API
  ]),
  cacheWrite: splitPaths([
    "cache_creation_input_tokens", // Anthropic, LiteLLM
    "prompt_tokens_details.cache_write_tokens", // OpenAI, OpenRouter
    "prompt_tokens_details.cache_creation_tokens", // LiteLLM
    "prompt_tokens_details.cache_creation_input_tokens", // DashScope
    "input_tokens_details.cache_write_tokens", // OpenAI's Responses API
    "input_tokens_details.cache_creation_input_tokens", // Perplexity
    "input_token_details.cache_creation", // LangChain
  ]),
  reasoning: splitPaths([
    "completion_tokens_details.reasoning_tokens", // OpenAI, xAI, OpenRouter
    "output_tokens_details.reasoning_tokens", // OpenAI's Responses API
    "output_token_details.reasoning", // LangChain
    "reasoning_tokens", // Perplexity, Together
    "thoughtsTokenCount", // Gemini's own API
  ]),
};

/** What a provider says an answer used. */
export type ReportedUsage =
  | { readonly kind: "counted"; readonly usage: TokenUsage }
  /** Zeros, or no counts at all; a cost may be reported nevertheless. */
  | { readonly kind: "zeros" | "missing"; readonly reportedCostUsd: number | undefined };

/** A count as providers write it: a number, or its digits as a text. */
function readCount(value: unknown): number | undefined {
  const count = typeof value === "string" && value !== "" ? Number(value) : value;
  return typeof count === "number" && Number.isFinite(count) && count >= 0 ? count : undefined;
}

function readPath(fields: Fields, [name, inner]: FieldPath): unknown {
  const value = fields[name];
  if (inner === undefined) return value;
  return readFields(value)?.[inner];
}

function readLargest(fields: Fields, paths: readonly FieldPath[]): number | undefined {
  let largest: number | undefined;
  for (const path of paths) {
    const count = readCount(readPath(fields, path));
    if (count !== undefined && !(largest !== undefined && largest >= count)) largest = count;
  }
  return largest;
}

/**
 * Whether the tokens of the cache come on top of the input. Anthropic counts them apart; OpenAI, and
 * gateways that translate Anthropic's answers, count them as part of the input.
 */
function isCacheApart(
  fields: Fields,
  counts: { readonly input: number; readonly output: number; readonly total: number | undefined },
  cache: number,
): boolean {
  if (cache > counts.input) return true;
  const isAnthropic =
    "cache_read_input_tokens" in fields || "cache_creation_input_tokens" in fields;
  if (!isAnthropic || cache === 0) return false;
  if (counts.total !== undefined) return counts.total === counts.input + counts.output + cache;
  return !("prompt_tokens" in fields);
}

/**
 * Reads a provider's usage object, whoever sent it, into tokens that mean the same for all of them:
 *
 * - Input holds the tokens of the cache, also where the provider counts them apart.
 * - Output holds thinking. xAI and Gemini leave it out of `completion_tokens` and count it in
 *   `total_tokens`, so what the total has more than input and output is output.
 */
export function readUsage(raw: unknown): ReportedUsage {
  if (typeof raw !== "object" || raw === null)
    return { kind: "missing", reportedCostUsd: undefined };
  const fields = raw as Fields;
  const total = readLargest(fields, PATHS.total);
  let input = readLargest(fields, PATHS.input);
  let output = readLargest(fields, PATHS.output);
  const reportedCostUsd = readReportedCost(fields);
  if (input === undefined && output === undefined) return { kind: "missing", reportedCostUsd };
  input ??= Math.max(0, (total ?? 0) - (output ?? 0));
  output ??= Math.max(0, (total ?? 0) - input);
  if (input === 0 && output === 0) return { kind: "zeros", reportedCostUsd };

  const cached = readLargest(fields, PATHS.cached) ?? 0;
  const cacheWrite = readLargest(fields, PATHS.cacheWrite) ?? 0;
  if (isCacheApart(fields, { input, output, total }, cached + cacheWrite)) {
    input += cached + cacheWrite;
  }
  const reasoning = readLargest(fields, PATHS.reasoning) ?? 0;
  const hidden = total === undefined ? 0 : Math.max(0, total - input - output);
  output += hidden;
  // No part can be larger than the whole: then it comes on top.
  if (reasoning > output) output += reasoning;
  return {
    kind: "counted",
    usage: {
      inputTokens: input,
      cachedInputTokens: cached,
      cacheWriteInputTokens: cacheWrite,
      outputTokens: output,
      reasoningTokens: Math.max(reasoning, hidden),
      estimated: false,
      isUnmetered: false,
      reportedCostUsd,
    },
  };
}

/** What is reported, and where nothing is, what is estimated. */
export function completeUsage(reported: ReportedUsage, estimate: () => TokenEstimate): TokenUsage {
  if (reported.kind === "counted") return reported.usage;
  const { kind, reportedCostUsd } = reported;
  const isUnmetered = kind === "zeros";
  return { ...createEstimatedUsage(estimate()), isUnmetered, reportedCostUsd };
}
