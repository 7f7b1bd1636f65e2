import { randomUUID } from "node:crypto";

/** An object of a parsed body that may be put right. */
export type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Text of a part of a content: `text`, or Mistral's `thinking`, which is a list of parts itself. */
function readPartText(part: unknown): string {
  if (typeof part === "string") return part;
  if (Array.isArray(part)) return part.map(readPartText).join("");
  if (!isFields(part)) return "";
  return readPartText(part["text"] ?? part["thinking"] ?? part["reasoning"] ?? part["refusal"]);
}

/**
 * Puts a content that is a list of parts into one text, as LangChain reads it; reasoning goes where
 * LangChain looks for it. Returns whether anything was changed.
 *
 * @param mayDrop Parts that are no text are left out; otherwise such a content stays as it is.
 */
export function flattenContent(message: Fields, mayDrop: boolean): boolean {
  const { content } = message;
  if (typeof content !== "object" || content === null) return false;
  let text = "";
  let reasoning = "";
  for (const part of Array.isArray(content) ? (content as unknown[]) : [content]) {
    const named = isFields(part) ? part["type"] : undefined;
    const type = typeof named === "string" ? named : "text";
    if (/text|refusal/.test(type)) text += readPartText(part);
    else if (/thinking|reasoning/.test(type)) reasoning += readPartText(part);
    else if (!mayDrop) return false;
  }
  message["content"] = text;
  if (reasoning !== "") message["reasoning_content"] ??= reasoning;
  return true;
}

/** Arguments as the text that LangChain parses; some servers send an object, or nothing at all. */
export function toArgumentsText(value: unknown, whenNothing: "" | "{}"): string {
  if (typeof value === "string") return value.trim() === "" ? whenNothing : value;
  return value === null || value === undefined ? whenNothing : JSON.stringify(value);
}

/** An id for a tool call that came without: the answer of the tool has to name one. */
export function createToolCallId(): string {
  return `call_${randomUUID().replaceAll("-", "")}`;
}

/** Puts right the tool calls of a whole message. Returns whether anything was changed. */
function normalizeToolCalls(message: Fields): boolean {
  const { tool_calls: calls } = message;
  if (!Array.isArray(calls)) return false;
  let isChanged = false;
  for (const call of calls as unknown[]) {
    if (!isFields(call)) continue;
    const { function: called, id } = call;
    if (typeof id !== "string" || id === "") {
      call["id"] = typeof id === "number" ? String(id) : createToolCallId();
      isChanged = true;
    }
    if (!isFields(called)) continue;
    const text = toArgumentsText(called["arguments"], "{}");
    if (text !== called["arguments"]) {
      called["arguments"] = text;
      isChanged = true;
    }
  }
  return isChanged;
}

/**
 * Puts right what LangChain does not read in the message of a whole answer: a missing role, a content
 * in parts, tool calls without id or with arguments that are no text. Returns whether anything was
 * changed.
 */
export function normalizeMessage(message: Fields): boolean {
  let isChanged = flattenContent(message, false);
  if (message["role"] !== "assistant") {
    message["role"] = "assistant";
    isChanged = true;
  }
  return normalizeToolCalls(message) || isChanged;
}
