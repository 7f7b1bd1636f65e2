import {
  AIMessage,
  HumanMessage,
  SystemMessage,
  ToolMessage,
  type BaseMessage,
} from "@langchain/core/messages";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { trimToWindow } from "./trim-to-window.ts";

/** Turns of a conversation, with or without tool calls in between. */
function createConversation(
  turns: readonly { readonly tools: number; readonly words: number }[],
): BaseMessage[] {
  const messages: BaseMessage[] = [new SystemMessage("You are helpful.")];
  for (const [turn, { tools, words }] of turns.entries()) {
    messages.push(new HumanMessage(`Question ${turn} ${"word ".repeat(words)}`));
    if (tools > 0) {
      const ids = Array.from({ length: tools }, (_, index) => `call-${turn}-${index}`);
      messages.push(
        new AIMessage({
          content: "",
          tool_calls: ids.map((id) => ({ id, name: "look", args: {} })),
        }),
        ...ids.map((id) => new ToolMessage({ tool_call_id: id, content: "word ".repeat(words) })),
      );
    }
    messages.push(new AIMessage(`Answer ${turn}`));
  }
  messages.push(new HumanMessage("The newest question"));
  return messages;
}

it("keeps the system prompt and the newest message, fits if possible, and never separates a call from its result", () => {
  const turn = fc.record({ tools: fc.nat(3), words: fc.nat(60) });
  fc.assert(
    fc.property(
      fc.array(turn, { maxLength: 12 }),
      fc.integer({ min: 60, max: 2000 }),
      (turns, maxTokens) => {
        const messages = createConversation(turns);
        const result = trimToWindow(messages, { maxTokens });
        expect(result.messages[0]).toBe(messages[0]);
        expect(result.messages.at(-1)).toBe(messages.at(-1));
        expect(result.estimatedTokens).toBeLessThanOrEqual(maxTokens);
        const called = new Set(
          result.messages.flatMap((message) =>
            AIMessage.isInstance(message) ? (message.tool_calls ?? []).map((call) => call.id) : [],
          ),
        );
        const answered = result.messages.flatMap((message) =>
          ToolMessage.isInstance(message) ? [message.tool_call_id] : [],
        );
        expect(new Set(answered)).toEqual(called);
        const note = result.messages.some((message) =>
          message.text.includes("earlier messages were left out"),
        );
        expect(note).toBe(result.removedMessages > 0);
        expect(result.messages.length).toBe(
          messages.length - result.removedMessages + (note ? 1 : 0),
        );
      },
    ),
  );
});

it("returns messages that cannot be trimmed further, with their length", () => {
  const messages = [new HumanMessage("word ".repeat(500))];
  const result = trimToWindow(messages, { maxTokens: 10 });
  expect(result).toMatchObject({ messages, removedMessages: 0 });
  expect(result.estimatedTokens).toBeGreaterThan(400);
});
