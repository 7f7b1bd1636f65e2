import type { BaseMessage } from "@langchain/core/messages";
import { estimateTokenCount } from "tokenx";

/** Tokens that frame each message in the chat format of OpenAI's models. */
const MESSAGE_FRAME_TOKENS = 4;
/** What an image costs in the middle of the providers' ranges. Its bytes say nothing about it. */
const IMAGE_TOKENS = 1000;

/** Estimated tokens of a text. On English and code it is within about 10 % of the real count. */
export function estimateTextTokens(text: string): number {
  return text === "" ? 0 : estimateTokenCount(text);
}

/** Estimated tokens of a message's content. */
export function estimateContentTokens(content: BaseMessage["content"]): number {
  if (typeof content === "string") return estimateTextTokens(content);
  let total = 0;
  for (const block of content) {
    if (typeof block === "string") total += estimateTextTokens(block);
    else if ("text" in block && typeof block.text === "string")
      total += estimateTextTokens(block.text);
    else if (/image|audio|video|file/.test(block.type)) total += IMAGE_TOKENS;
    else total += estimateTextTokens(JSON.stringify(block));
  }
  return total;
}

/** Estimated tokens of one message, its tool calls included. */
export function estimateMessageTokens(message: BaseMessage): number {
  const { tool_calls: toolCalls } = message as { tool_calls?: readonly unknown[] };
  return (
    MESSAGE_FRAME_TOKENS +
    estimateContentTokens(message.content) +
    (toolCalls?.length ? estimateTextTokens(JSON.stringify(toolCalls)) : 0)
  );
}

/** Estimated tokens of a prompt, tool calls included. An image counts as 1,000. */
export function estimatePromptTokens(messages: readonly BaseMessage[]): number {
  return messages.reduce((total, message) => total + estimateMessageTokens(message), 0);
}
