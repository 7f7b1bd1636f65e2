import type { BaseMessage } from "@langchain/core/messages";

/** A model's answer: the message, or its text. */
export type Answer = string | BaseMessage;

/** The text of an answer, without reasoning between `<think>` tags that some models put before it. */
export function readAnswerText(answer: Answer): string {
  const text = typeof answer === "string" ? answer : answer.text;
  return text.replace(/^\s*<think(?:ing)?>[\s\S]*?<\/think(?:ing)?>/i, "");
}
