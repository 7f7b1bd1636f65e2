import { HumanMessage, type BaseMessage } from "@langchain/core/messages";
import { estimateMessageTokens } from "./estimate-tokens.ts";

/** How {@link trimToWindow} cuts. */
export interface TrimOptions {
  /** Tokens the result may have, as estimated. */
  readonly maxTokens: number;
  /** Text of the note in place of what was cut; `%d` stands for the number of messages. */
  readonly note?: string | undefined;
  /** Default: an estimate by `tokenx`. */
  readonly countTokens?: ((message: BaseMessage) => number) | undefined;
}

/** The result of {@link trimToWindow}. */
export interface TrimResult {
  readonly messages: BaseMessage[];
  readonly removedMessages: number;
  readonly estimatedTokens: number;
}

const defaultNote = "[%d earlier messages were left out to fit the context window.]";

/** Groups messages that must stay together: an AI message with tool calls and the results it got. */
function groupMessages(messages: readonly BaseMessage[]): BaseMessage[][] {
  const groups: BaseMessage[][] = [];
  for (const message of messages) {
    const last = groups.at(-1);
    if (message.type === "tool" && last) last.push(message);
    else groups.push([message]);
  }
  return groups;
}

/**
 * The newest part of a conversation that fits: system messages and the newest group of messages are
 * kept, a tool call is never parted from its results, and a note stands in place of what was cut.
 *
 * If system messages and newest group alone don't fit, that is what comes back, too long as it is:
 * check `estimatedTokens`. Nothing is ever cut inside a message.
 */
export function trimToWindow(messages: readonly BaseMessage[], options: TrimOptions): TrimResult {
  const count = options.countTokens ?? estimateMessageTokens;
  const measure = (group: readonly BaseMessage[]) =>
    group.reduce((total, message) => total + count(message), 0);
  const total = measure(messages);
  if (total <= options.maxTokens) {
    return { messages: [...messages], removedMessages: 0, estimatedTokens: total };
  }
  const system = messages.filter((message) => message.type === "system");
  const groups = groupMessages(messages.filter((message) => message.type !== "system"));
  const template = options.note ?? defaultNote;
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
