import type { BaseMessage } from "@langchain/core/messages";

/** Characters of a token of English, about. */
const CHARACTERS_PER_TOKEN = 4;
/** What an image costs in the middle of the providers' ranges. Its bytes say nothing about it. */
const MEDIA_TOKENS = 1000;

function measureContent(content: BaseMessage["content"]): number {
  if (typeof content === "string") return content.length / CHARACTERS_PER_TOKEN;
  let tokens = 0;
  for (const block of content) {
    if (typeof block === "object" && "text" in block && typeof block.text === "string")
      tokens += block.text.length / CHARACTERS_PER_TOKEN;
    else tokens += MEDIA_TOKENS;
  }
  return tokens;
}

/**
 * The tokens of a prompt, roughly, without reading it: each call needs its size to know how long the
 * answer may take. One prompt is compared with others of the same user, so a factor does not matter.
 */
export function measurePromptTokens(messages: readonly BaseMessage[]): number {
  let tokens = 0;
  for (const { content } of messages) tokens += measureContent(content);
  return tokens;
}
