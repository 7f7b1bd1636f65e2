import { isFields, type Fields } from "./normalize-message.ts";

/** A whole answer as the events of a stream, for the layers above, which asked for one. */
export function replayAsStream(answer: Fields): string {
  const { choices, object: _, usage, ...top } = answer;
  const events: unknown[] = [];
  const add = (others: Fields) =>
    events.push({ ...top, object: "chat.completion.chunk", ...others });
  for (const choice of Array.isArray(choices) ? (choices as unknown[]) : []) {
    if (!isFields(choice)) continue;
    const { message, finish_reason: reason = null, ...others } = choice;
    const delta = isFields(message) ? { ...message } : {};
    if (Array.isArray(delta["tool_calls"])) {
      for (const [index, call] of (delta["tool_calls"] as Fields[]).entries())
        call["index"] = index;
    }
    add({ choices: [{ ...others, delta, finish_reason: null }] });
    add({ choices: [{ ...others, delta: {}, finish_reason: reason }] });
  }
  if (usage !== undefined && usage !== null) add({ choices: [], usage });
  const text = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
  return `${text}data: [DONE]\n\n`;
}
