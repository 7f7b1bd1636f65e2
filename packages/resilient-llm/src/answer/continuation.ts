import { AIMessage, HumanMessage, type BaseMessage } from "@langchain/core/messages";

/** A shorter match between end and beginning may be chance. */
const SHORTEST_OVERLAP_CHARS = 8;
/** So much text is held back until it is clear how much of it repeats what is there. */
const OVERLAP_WINDOW_CHARS = 200;

/** Messages that ask a model to take up an answer where it broke off. */
export function askToContinue(partialText: string): BaseMessage[] {
  return [
    new AIMessage(partialText),
    new HumanMessage(
      "Your answer above was cut off by a network failure. Continue it from exactly where it stops:" +
        " begin with the very next character, repeat nothing, comment on nothing.",
    ),
  ];
}

/**
 * Joins a continuation to the text before it, so that no part is there twice: models like to begin a
 * few words earlier, or from the start.
 */
export class ContinuationJoiner {
  readonly #before: string;
  #held: string | undefined = "";

  constructor(before: string) {
    this.#before = before;
  }

  /** Takes the next piece of the continuation and returns what can be handed out. */
  push(text: string): string {
    if (this.#held === undefined) return text;
    this.#held += text;
    // It may still turn out to begin from the start.
    if (this.#held.length < this.#before.length && this.#before.startsWith(this.#held)) return "";
    if (this.#held.length < Math.min(OVERLAP_WINDOW_CHARS, this.#before.length)) return "";
    return this.flush();
  }

  /** Returns what was held back, once the continuation is complete or enough of it is there. */
  flush(): string {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return "";
    if (held.startsWith(this.#before)) return held.slice(this.#before.length);
    const longest = Math.min(held.length, this.#before.length);
    for (let length = longest; length >= SHORTEST_OVERLAP_CHARS; length -= 1) {
      if (this.#before.endsWith(held.slice(0, length))) return held.slice(length);
    }
    return held;
  }
}
