import type { BaseMessage } from "@langchain/core/messages";
import { z } from "zod";

/** A model's answer: the message, or its text. */
export type Answer = string | BaseMessage;

/** What an {@link Answer} must be, whichever copy of LangChain has made it. */
export const answerSchema: z.ZodType<Answer> = z.custom<Answer>((value) => {
  const { text = value } = (value ?? {}) as { readonly text?: unknown };
  return typeof text === "string";
}, "a text or a message");

/** The text of an answer, without reasoning between `<think>` tags that some models put before it. */
export function readAnswerText(answer: Answer): string {
  const text = typeof answer === "string" ? answer : answer.text;
  return text.replace(/^\s*<think(?:ing)?>[\s\S]*?<\/think(?:ing)?>/i, "");
}
