import { createHash } from "node:crypto";
import {
  AIMessage,
  HumanMessage,
  SystemMessage,
  ToolMessage,
  type BaseMessage,
} from "@langchain/core/messages";
import { z } from "zod";

const contentSchema = z.union([
  z.string(),
  z.null(),
  z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
]);

/** The part of OpenAI's chat completion request that the scripted servers read. */
export const chatRequestSchema = z.looseObject({
  model: z.string(),
  messages: z.array(z.looseObject({ role: z.string(), content: contentSchema.optional() })).min(1),
  stream: z.boolean().optional(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
});

/** A chat completion request, read by {@link chatRequestSchema}. */
export type ChatRequest = z.infer<typeof chatRequestSchema>;

/** One message of a {@link ChatRequest}. */
export type ChatMessage = ChatRequest["messages"][number];

/** A message's text, whichever of the two forms it was sent in. */
export function messageText({ content }: ChatMessage): string {
  if (typeof content === "string") return content;
  return (content ?? []).map((part) => part.text ?? "").join("");
}

/** The message as LangChain has it; scripts read these. */
export function toLangChainMessage(message: ChatMessage): BaseMessage {
  const content = messageText(message);
  switch (message.role) {
    case "assistant":
      return new AIMessage(content);
    case "tool":
      return new ToolMessage({ content, tool_call_id: String(message["tool_call_id"]) });
    case "user":
      return new HumanMessage(content);
    default:
      return new SystemMessage(content);
  }
}

/**
 * Identifies a conversation: the same messages give the same digest, in any process, at any time.
 */
export function digestMessages(messages: readonly ChatMessage[]): string {
  return createHash("sha256").update(JSON.stringify(messages)).digest("hex").slice(0, 12);
}

/** Who asks, and how far its conversation has come. */
export interface Speaker {
  /** From the system prompt's opening, "You are the ROLE."; `unknown` without it. */
  role: string;
  /** 1 for the first answer of the conversation, 2 for the one after it. */
  turn: number;
}

/** Reads off a request which step of the agent sent it. */
export function identifySpeaker(messages: readonly ChatMessage[]): Speaker {
  const system = messages.find(({ role }) => role === "system" || role === "developer");
  return {
    role: /^You are the (.+?)\./.exec(system ? messageText(system) : "")?.[1] ?? "unknown",
    turn: 1 + messages.filter(({ role }) => role === "assistant").length,
  };
}
