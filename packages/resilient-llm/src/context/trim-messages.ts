import { HumanMessage, type BaseMessage } from "@langchain/core/messages";
import { estimateMessageTokens } from "./estimate-tokens.ts";

/** How messages are trimmed. */
export interface TrimOptions {
  /** Estimated tokens that the result may have. */
  readonly maxTokens: number;

  /**
   * The text of the note in place of the messages that were left out. `%d` stands for their number.
   *
   * @default "[%d earlier messages were left out to fit the context window.]"
   */
  readonly note?: string | undefined;

  /**
   * Counts the tokens of a message.
   *
   * @default an estimate by `tokenx`
   */
  readonly countTokens?: ((message: BaseMessage) => number) | undefined;
}

/** Trimmed messages. */
export interface TrimResult {
  /** The messages that are left, with the note. */
  readonly messages: BaseMessage[];
  /** The number of messages that were left out. */
  readonly removedMessages: number;
  /** Estimated tokens of `messages`. */
  readonly estimatedTokens: number;
}

const DEFAULT_NOTE = "[%d earlier messages were left out to fit the context window.]";

/** Groups messages that must stay together: an AI message with tool calls and their results. */
function groupMessages(messages: readonly BaseMessage[]): BaseMessage[][] {
  const groups: BaseMessage[][] = [];
  for (const message of messages) {
    const last = groups.at(-1);
    if (message.type === "tool" && last) last.push(message);
    else groups.push([message]);
  }
  return groups;
}

/** {@link trimToWindow}, for options that have been checked. */
export function trimMessages(messages: readonly BaseMessage[], options: TrimOptions): TrimResult {
  const count = options.countTokens ?? estimateMessageTokens;
  const measure = (group: readonly BaseMessage[]) =>
    group.reduce((total, message) => total + count(message), 0);
  const total = measure(messages);
  if (total <= options.maxTokens) {
    return { messages: [...messages], removedMessages: 0, estimatedTokens: total };
  }
  const system = messages.filter((message) => message.type === "system");
  const groups = groupMessages(messages.filter((message) => message.type !== "system"));
  const template = options.note ?? DEFAULT_NOTE;
  const noteTokens = count(new HumanMessage(template));

  let used = measure(system) + noteTokens;
  let first = groups.length;
  while (first > 0) {
    const size = measure(groups[first - 1] ?? []);
    if (first < groups.length && used + size > options.maxTokens) break;
    used += size;
    first -= 1;
  }
  const removed = groups.slice(0, first).flat();
  const kept = groups.slice(first).flat();
  if (removed.length === 0) {
    return { messages: [...messages], removedMessages: 0, estimatedTokens: total };
  }
  const note = new HumanMessage(template.replace("%d", String(removed.length)));
  return {
    messages: [...system, note, ...kept],
    removedMessages: removed.length,
    estimatedTokens: used,
  };
}
