import type { BaseMessage } from "@langchain/core/messages";
import { estimatePromptTokens } from "../context/estimate-tokens.ts";
import { trimToWindow, type TrimResult } from "../context/trim-messages.ts";

/** Of a window, the part trimming aims for: the estimate errs, and the answer needs room. */
const trimTarget = 0.75;
/** Without a known window trimming aims for this part of the prompt. */
const blindTrimTarget = 0.6;

/** The messages of a call, whole or with the oldest left out. */
export class FittedPrompt {
  readonly #whole: BaseMessage[];
  /** The whole, or what `maxPromptTokens` leaves of it. */
  readonly #allowed: BaseMessage[];
  readonly #onTrim: (result: TrimResult) => void;
  #messages: BaseMessage[];
  #removedMessages = 0;
  #trimmed = false;

  /** @param onTrim Told whenever messages are left out. */
  constructor(
    messages: BaseMessage[],
    maxPromptTokens: number | undefined,
    onTrim: (result: TrimResult) => void,
  ) {
    this.#whole = messages;
    this.#messages = messages;
    this.#onTrim = onTrim;
    if (maxPromptTokens !== undefined) this.#trimTo(maxPromptTokens);
    this.#allowed = this.#messages;
  }

  /** What the next attempt is to send. */
  get messages(): readonly BaseMessage[] {
    return this.#messages;
  }

  /**
   * Leaves out the oldest messages after a model has found the prompt too long; once per call.
   * Returns whether anything was left out.
   */
  shrink(windowTokens: number | undefined): boolean {
    if (this.#trimmed) return false;
    this.#trimmed = true;
    const estimate = estimatePromptTokens(this.#messages);
    // The estimate may be below the very window that is exceeded: then it is the estimate to cut.
    return windowTokens === undefined
      ? this.#trimTo(estimate * blindTrimTarget)
      : this.#trimTo(Math.min(windowTokens, estimate) * trimTarget);
  }

  /** The prompt as it was before it was shrunk, for a model with a larger window. */
  restore(): void {
    this.#messages = this.#allowed;
  }

  #trimTo(maxTokens: number): boolean {
    // Always from the whole: a prompt trimmed twice would count its own note among the messages left out.
    const result = trimToWindow(this.#whole, { maxTokens });
    if (result.removedMessages <= this.#removedMessages) return false;
    this.#removedMessages = result.removedMessages;
    this.#messages = result.messages;
    this.#onTrim(result);
    return true;
  }
}
