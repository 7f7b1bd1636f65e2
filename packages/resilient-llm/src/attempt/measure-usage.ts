import type { BaseMessage, UsageMetadata } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import {
  estimateMessageTokens,
  estimatePromptTokens,
  estimateTextTokens,
} from "../context/estimate-tokens.ts";
import { findUsage } from "../cost/find-usage.ts";
import { completeUsage, readUsage, type ReportedUsage } from "../cost/read-usage.ts";
import { readCostHeader } from "../cost/reported-cost.ts";
import type { TokenUsage } from "../cost/token-usage.ts";
import type { WireWatch } from "../wire/wire-watch.ts";

/** What of an exchange tells the usage. */
type UsageWatch = Pick<WireWatch, "usage" | "body" | "headers">;

/** The usage object of a message as the provider sent it, if its LangChain integration keeps it. */
function findMessageUsage(message: BaseMessage | undefined): unknown {
  return findUsage(message?.response_metadata);
}

function parseBody(body: string | undefined): unknown {
  if (body === undefined) return undefined;
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** What LangChain says about a message's usage. */
export function readMessageUsage(message: BaseMessage | undefined): ReportedUsage {
  return readUsage((message as { usage_metadata?: UsageMetadata } | undefined)?.usage_metadata);
}

/** What was reported in a stream that was watched, so far. */
export function readStreamUsage(watch: UsageWatch): ReportedUsage {
  return readUsage(watch.usage ?? findUsage(parseBody(watch.body)));
}

/**
 * A usage object in OpenAI's names, which every provider that uses them sends as a whole. Those of
 * other APIs their LangChain integrations read better.
 */
export function readOpenAiUsage(message: BaseMessage): ReportedUsage | undefined {
  const raw = findMessageUsage(message) as { prompt_tokens?: unknown } | undefined;
  return raw?.prompt_tokens === undefined ? undefined : readUsage(raw);
}

function readResultUsage(message: BaseMessage | undefined, watch: UsageWatch): ReportedUsage {
  if (watch.usage !== undefined) return readUsage(watch.usage);
  if (watch.body === undefined) {
    return (message && readOpenAiUsage(message)) ?? readMessageUsage(message);
  }
  // What LangChain has kept need not be parsed again.
  return readUsage(findMessageUsage(message) ?? findUsage(parseBody(watch.body)));
}

/** What a whole answer has used that was cut while it came. `undefined`: nothing had come. */
export function measureCutUsage(
  prompt: readonly BaseMessage[],
  watch: UsageWatch & Pick<WireWatch, "collected">,
): TokenUsage | undefined {
  const generated = watch.collected?.generated ?? "";
  const reported = readUsage(watch.usage);
  if (reported.kind !== "counted" && generated === "") return undefined;
  return completeUsage(reported, () => ({
    inputTokens: estimatePromptTokens(prompt),
    outputTokens: estimateTextTokens(generated),
  }));
}

/** What a whole answer used. `undefined`: there is none. */
export function measureResultUsage(
  prompt: readonly BaseMessage[],
  { generations }: ChatResult,
  watch: UsageWatch,
): TokenUsage | undefined {
  if (generations.length === 0) return undefined;
  const usage = completeUsage(readResultUsage(generations[0]?.message, watch), () => ({
    inputTokens: estimatePromptTokens(prompt),
    outputTokens: generations.reduce(
      (total, { message }) => total + estimateMessageTokens(message),
      0,
    ),
  }));
  const reportedCostUsd = usage.reportedCostUsd ?? readCostHeader(watch.headers);
  return reportedCostUsd === undefined ? usage : { ...usage, reportedCostUsd };
}
