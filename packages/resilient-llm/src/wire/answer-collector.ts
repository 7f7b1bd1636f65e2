import type { PartialAnswer } from "../errors/model-call-error.ts";
import { isFields, type Fields } from "./normalize-message.ts";
import type { Frame } from "./sse-inspector.ts";
import type { CollectedAnswer } from "./wire-watch.ts";

/** Text under `key` of both, joined. */
function joinText(target: Fields, source: Fields, key: string): void {
  const text = source[key];
  if (typeof text !== "string") return;
  const before = target[key];
  target[key] = typeof before === "string" ? before + text : text;
}

/** What of a message is generated: text, reasoning, refusal, names and arguments of tool calls. */
function readGenerated(message: Fields): string {
  const parts = Object.entries(message).map(([key, value]) => {
    if (key === "role" || value === null) return "";
    return typeof value === "string" ? value : JSON.stringify(value);
  });
  return parts.join("");
}

/** Makes one whole answer of the frames of a stream, as if no stream had been asked for. */
export class AnswerCollector implements CollectedAnswer {
  /** What the frames say of the answer as a whole, the last one winning. */
  readonly #top: Fields = {};
  readonly #choices = new Map<number, Fields>();
  /** The Responses API sends the whole answer in its last event. */
  #response: Fields | undefined;
  /** What its events before that have said. */
  #text = "";
  #otherText = "";
  #hasToolCalls = false;

  get partial(): PartialAnswer {
    const message = this.#choices.get(0)?.["message"] as Fields | undefined;
    if (!message) return { text: this.#text, hasToolCalls: this.#hasToolCalls };
    const { content, tool_calls: calls } = message;
    return { text: typeof content === "string" ? content : "", hasToolCalls: calls !== undefined };
  }

  get generated(): string {
    const messages = [...this.#choices.values()].map((choice) => choice["message"] as Fields);
    return messages.map(readGenerated).join("") + this.#text + this.#otherText;
  }

  add(frame: Frame): void {
    if (typeof frame.type === "string" && frame.type.startsWith("response.")) {
      this.#addResponseEvent(frame.type, frame as Fields);
      return;
    }
    for (const [key, value] of Object.entries(frame)) {
      if (key !== "choices" && value !== null && value !== undefined) this.#top[key] = value;
    }
    for (const choice of frame.choices ?? []) this.#addChoice(choice as Fields);
  }

  /** The body of the whole answer. */
  toBody(): string {
    if (this.#response) return JSON.stringify(this.#response);
    const choices = [...this.#choices.values()].map((choice) => {
      const message = choice["message"] as Fields;
      const calls = message["tool_calls"] as Fields[] | undefined;
      for (const call of calls ?? []) delete call["index"];
      return choice;
    });
    return JSON.stringify({ ...this.#top, object: "chat.completion", choices });
  }

  #addResponseEvent(type: string, { delta, item, response }: Fields): void {
    if (isFields(response)) this.#response = response;
    if (isFields(item) && String(item["type"]).endsWith("_call")) this.#hasToolCalls = true;
    if (typeof delta !== "string") return;
    if (type === "response.output_text.delta") this.#text += delta;
    else this.#otherText += delta;
  }

  #addChoice({ delta, index = 0, finish_reason: reason, ...others }: Fields): void {
    const position = Number(index);
    const known = this.#choices.get(position);
    const choice = known ?? {
      index: position,
      message: { role: "assistant", content: null },
      finish_reason: null,
    };
    this.#choices.set(position, choice);
    Object.assign(choice, others);
    if (typeof reason === "string" && reason !== "") choice["finish_reason"] = reason;
    if (!isFields(delta)) return;
    const message = choice["message"] as Fields;
    for (const key of Object.keys(delta)) {
      if (key === "role") continue;
      if (key === "tool_calls") this.#addToolCalls(message, delta[key]);
      else if (typeof delta[key] === "string") joinText(message, delta, key);
      // Annotations and pieces of reasoning come as lists, of which each frame has the next items.
      else if (Array.isArray(delta[key]) && Array.isArray(message[key])) {
        message[key] = [...(message[key] as unknown[]), ...(delta[key] as unknown[])];
      } else if (delta[key] !== null && delta[key] !== undefined) message[key] = delta[key];
    }
  }

  #addToolCalls(message: Fields, pieces: unknown): void {
    if (!Array.isArray(pieces)) return;
    const calls = (message["tool_calls"] ??= []) as Fields[];
    for (const piece of pieces as unknown[]) {
      if (!isFields(piece)) continue;
      const known = calls.find((call) => call["index"] === piece["index"]);
      const call = known ?? { type: "function", ...piece, function: {} };
      if (!known) calls.push(call);
      const called = call["function"] as Fields;
      if (!isFields(piece["function"])) continue;
      joinText(called, piece["function"], "name");
      joinText(called, piece["function"], "arguments");
    }
  }
}
