import { createToolCallId, isFields, toArgumentsText, type Fields } from "./normalize-message.ts";

interface KnownCall {
  readonly wireIndex: unknown;
  readonly wireId: string | undefined;
  readonly name: string | undefined;
  arguments: string;
}

function asName(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Whether arguments of a tool call are complete: JSON, or nothing where a tool takes nothing. */
export function isWholeArguments(text: string): boolean {
  if (text.trim() === "") return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Numbers the tool calls of one streamed answer. LangChain joins their pieces by index; servers leave
 * it out, give every call the same one, repeat name and id in each piece, or send new ids with them.
 */
export class ToolCallNumbering {
  readonly #calls: KnownCall[] = [];

  /** Every call that has begun has arguments that can be parsed. */
  get isComplete(): boolean {
    return this.#calls.every((call) => isWholeArguments(call.arguments));
  }

  /** Puts right one piece of a call. Returns whether anything was changed. */
  place(piece: Fields): boolean {
    const called = isFields(piece["function"]) ? piece["function"] : {};
    const wireIndex = piece["index"];
    const wireId = asName(piece["id"]);
    const name = asName(called["name"]);
    const text = toArgumentsText(called["arguments"], "");
    let isChanged = false;
    const set = (target: Fields, key: string, value: unknown) => {
      if (target[key] === value) return;
      if (value === undefined) delete target[key];
      else target[key] = value;
      isChanged = true;
    };
    if ("arguments" in called) set(called, "arguments", text);
    const position = this.#find(wireIndex, wireId, name);
    const known = this.#calls[position];
    if (known) {
      known.arguments += text;
      // One that is repeated would be appended to the first.
      if (name === undefined || name === known.name) set(called, "name", undefined);
      set(piece, "id", undefined);
      set(piece, "index", position);
      return isChanged;
    }
    set(piece, "id", wireId ?? createToolCallId());
    set(piece, "index", this.#calls.length);
    this.#calls.push({ wireIndex, wireId, name, arguments: text });
    return isChanged;
  }

  /** Which call a piece continues; -1 if it begins one. */
  #find(wireIndex: unknown, wireId: string | undefined, name: string | undefined): number {
    if (wireId !== undefined) {
      const same = this.#calls.findIndex((call) => call.wireId === wireId);
      if (same !== -1) return same;
    }
    const last =
      typeof wireIndex === "number"
        ? this.#calls.findLastIndex((call) => call.wireIndex === wireIndex)
        : this.#calls.length - 1;
    const known = this.#calls[last];
    if (!known || name === undefined) return last;
    // A name begins a new call, unless the call before is still without it or without its end.
    if (wireId !== undefined && known.wireId !== undefined) return -1;
    return isWholeArguments(known.arguments) && known.arguments !== "" ? -1 : last;
  }
}
