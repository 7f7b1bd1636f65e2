import type { BaseMessage } from "@langchain/core/messages";
import { z } from "zod";
import { checkOptions } from "../options/check-options.ts";
import { trimMessages, type TrimOptions, type TrimResult } from "./trim-messages.ts";

const argumentsSchema = z.strictObject({
  messages: z.array(
    z.custom<BaseMessage>(
      (value) => typeof value === "object" && value !== null && "content" in value,
      "a message",
    ),
  ),
  maxTokens: z.union([z.number().nonnegative(), z.literal(Infinity)], {
    error: "a number of tokens from 0",
  }),
  note: z.string().optional(),
  countTokens: z
    .custom<TrimOptions["countTokens"]>((value) => typeof value === "function", "a function")
    .optional(),
});

/**
 * The newest part of a conversation that fits. System messages and the newest group of messages are
 * kept, a tool call is never separated from its results, and a note replaces the messages that were
 * left out.
 *
 * If the system messages and the newest group alone do not fit, they are the result, though it is too
 * long: check `estimatedTokens`. No message is ever shortened.
 *
 * @throws InvalidOptionsError if the messages or the options cannot be used
 * @example
 * ```ts
 * const { messages, removedMessages } = trimToWindow(history, { maxTokens: 8_000 });
 * ```
 */
export function trimToWindow(messages: readonly BaseMessage[], options: TrimOptions): TrimResult {
  checkOptions("trimToWindow", argumentsSchema, { ...options, messages });
  return trimMessages(messages, options);
}
