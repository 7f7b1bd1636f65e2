import { randomUUID } from "node:crypto";
import {
  AIMessage,
  type AIMessageChunk,
  BaseMessage,
  HumanMessage,
} from "@langchain/core/messages";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";

/** What is said to a session: a text, or messages, for example those of tools. */
export type SessionInput = string | BaseMessage | readonly BaseMessage[];

function isMessage(value: unknown): value is BaseMessage {
  return typeof value === "object" && value !== null && BaseMessage.isInstance(value);
}

/**
 * The messages of an input, each with an id.
 *
 * @throws InvalidOptionsError if it is neither a text nor messages
 */
export function readInput(input: SessionInput): BaseMessage[] {
  const list: readonly unknown[] = Array.isArray(input) ? input : [input];
  const messages = list.map((part) =>
    typeof part === "string" && part !== "" && !Array.isArray(input)
      ? new HumanMessage(part)
      : part,
  );
  if (messages.length === 0 || !messages.every((message) => isMessage(message))) {
    throw new InvalidOptionsError(
      "session.ask: expected a text that is not empty, or LangChain messages",
    );
  }
  for (const message of messages) message.id ??= randomUUID();
  return messages;
}

/** Whether two lists of messages say the same. Ids do not count. */
export function saySame(left: readonly BaseMessage[], right: readonly BaseMessage[]): boolean {
  return JSON.stringify(left.map(describe)) === JSON.stringify(right.map(describe));
}

function describe(message: BaseMessage): unknown {
  const { content, name, type } = message;
  const { tool_call_id: toolCallId } = message as { readonly tool_call_id?: unknown };
  return { type, content, name, toolCallId };
}

/** An answer as it is stored, also if it came in pieces. */
export function toAnswer(message: BaseMessage): AIMessage {
  if (AIMessage.isInstance(message) && !("tool_call_chunks" in message)) return message;
  const chunk = message as AIMessageChunk;
  const { additional_kwargs, content, id, invalid_tool_calls, name } = chunk;
  const { response_metadata, tool_calls, usage_metadata } = chunk;
  return new AIMessage({
    content,
    additional_kwargs,
    response_metadata,
    ...(id === undefined ? {} : { id }),
    ...(name === undefined ? {} : { name }),
    ...(tool_calls ? { tool_calls } : {}),
    ...(invalid_tool_calls ? { invalid_tool_calls } : {}),
    ...(usage_metadata ? { usage_metadata } : {}),
  });
}
