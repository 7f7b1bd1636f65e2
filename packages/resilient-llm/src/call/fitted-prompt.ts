import type { BaseMessage } from "@langchain/core/messages";
import { estimatePromptTokens } from "../context/estimate-tokens.ts";
import { trimMessages, type TrimResult } from "../context/trim-messages.ts";

/** Share of a window that trimming aims for: the estimate errs, and the answer needs room. */
const TRIM_TARGET = 0.75;
/** Share of the prompt that trimming aims for where the window is not known. */
const BLIND_TRIM_TARGET = 0.6;

/** The messages of a call, all of them or without the oldest. */
export class FittedPrompt {
  readonly #whole: BaseMessage[];
  /** All messages, or those that `maxPromptTokens` leaves. */
  readonly #allowed: BaseMessage[];
  readonly #onTrim: (result: TrimResult) => void;
  #messages: BaseMessage[];
  #removedMessages = 0;
  #isTrimmed = false;

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
   * Leaves out the oldest messages after a model has found the prompt too long, once per call. Returns
   * whether any was left out.
   */
  shrink(windowTokens: number | undefined): boolean {
    if (this.#isTrimmed) return false;
    this.#isTrimmed = true;
    const estimate = estimatePromptTokens(this.#messages);
    // The estimate may be lower than the window that is exceeded. Then the estimate is what to cut.
    return windowTokens === undefined
      ? this.#trimTo(estimate * BLIND_TRIM_TARGET)
      : this.#trimTo(Math.min(windowTokens, estimate) * TRIM_TARGET);
  }

  /** The prompt as it was before it was shrunk, for a model with a larger window. */
  restore(): void {
    this.#messages = this.#allowed;
  }

  #trimTo(maxTokens: number): boolean {
    // Always from all messages: trimmed twice, a prompt would count its own note as one left out.
    const result = trimMessages(this.#whole, { maxTokens });
    if (result.removedMessages <= this.#removedMessages) return false;
    this.#removedMessages = result.removedMessages;
    this.#messages = result.messages;
    this.#onTrim(result);
    return true;
  }
}
