import { type BaseMessage, SystemMessage, trimMessages } from "@langchain/core/messages";
import { estimatePromptTokens } from "../context/estimate-tokens.ts";
import type { ResolvedSessionOptions } from "./session-options.ts";

/** What of the history the model is not shown. */
export interface LeftOut {
  /** How many messages, from the first one on. */
  readonly messages: number;
  /** Their tokens, by the count that the history is cut by. */
  readonly tokens: number;
  /** What the model is told of it. `undefined` if nothing is left out. */
  readonly note: string | undefined;
}

/** What the model is shown. */
export interface FittedHistory {
  readonly prompt: BaseMessage[];
  readonly leftOut: LeftOut;
}

type HistoryLimits = Pick<ResolvedSessionOptions, "history" | "systemPrompt">;

/**
 * What the model is shown of a conversation: as much as the limits allow, from a question on, and a note of what is
 * left out. It follows from the stored messages alone, so a prompt is the same after a crash.
 */
export async function fitHistory(
  messages: readonly BaseMessage[],
  { history, systemPrompt }: HistoryLimits,
): Promise<FittedHistory> {
  const { countTokens = estimatePromptTokens, maxMessages, maxTokens } = history;
  const byTokens = await keepLast([...messages], maxTokens, countTokens);
  const kept = await keepLast(byTokens, maxMessages, (some) => some.length);
  const dropped = messages.slice(0, messages.length - kept.length);
  const leftOut: LeftOut = {
    messages: dropped.length,
    tokens: dropped.length === 0 ? 0 : countTokens(dropped),
    note: describe(dropped.length),
  };
  // One system message: not every provider takes two.
  const told = [systemPrompt, leftOut.note].filter((text) => text !== undefined).join("\n\n");
  return { prompt: told === "" ? kept : [new SystemMessage(told), ...kept], leftOut };
}

async function keepLast(
  messages: BaseMessage[],
  limit: number,
  count: (messages: BaseMessage[]) => number,
): Promise<BaseMessage[]> {
  if (messages.length === 0 || count(messages) <= limit) return messages;
  // From a question on: a tool's result is never without the call that asked for it.
  const kept = await trimMessages(messages, {
    maxTokens: limit,
    tokenCounter: count,
    strategy: "last",
    startOn: "human",
  });
  // What is asked now is asked as a whole, however long it is. The model has a say of its own about that.
  return kept.length > 0 ? kept : messages.slice(findLastQuestion(messages));
}

function findLastQuestion(messages: readonly BaseMessage[]): number {
  return Math.max(
    0,
    messages.findLastIndex(({ type }) => type === "human"),
  );
}

function describe(count: number): string | undefined {
  if (count === 0) return undefined;
  return count === 1
    ? "[The first message of this conversation is left out here.]"
    : `[The first ${count} messages of this conversation are left out here.]`;
}
