import type { BaseMessage, UsageMetadata } from "@langchain/core/messages";
import type { TokenUsage } from "./token-usage.ts";

/** Usage in LangChain's shape. */
export function toUsageMetadata(usage: TokenUsage): UsageMetadata {
  const { cachedInputTokens, cacheWriteInputTokens, inputTokens, outputTokens, reasoningTokens } =
    usage;
  const inputDetails = {
    ...(cachedInputTokens > 0 ? { cache_read: cachedInputTokens } : {}),
    ...(cacheWriteInputTokens > 0 ? { cache_creation: cacheWriteInputTokens } : {}),
  };
  return {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    ...(Object.keys(inputDetails).length > 0 ? { input_token_details: inputDetails } : {}),
    ...(reasoningTokens > 0 ? { output_token_details: { reasoning: reasoningTokens } } : {}),
  };
}

/**
 * Sets what a message says about its usage to the usage as it is read here. LangChain knows only the
 * names that OpenAI gives. Details that are not read here, such as audio, stay.
 */
export function setUsageMetadata(message: BaseMessage, usage: TokenUsage): void {
  const own = toUsageMetadata(usage);
  const { usage_metadata: given } = message as { usage_metadata?: UsageMetadata };
  const merged: UsageMetadata = {
    ...own,
    ...(given?.input_token_details || own.input_token_details
      ? { input_token_details: { ...given?.input_token_details, ...own.input_token_details } }
      : {}),
    ...(given?.output_token_details || own.output_token_details
      ? { output_token_details: { ...given?.output_token_details, ...own.output_token_details } }
      : {}),
  };
  Object.assign(message, { usage_metadata: merged });
  // Whatever serializes the message writes only fields that are named here.
  message.lc_kwargs["usage_metadata"] = merged;
}
