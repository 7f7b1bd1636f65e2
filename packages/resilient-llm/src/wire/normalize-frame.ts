import { flattenContent, isFields, type Fields } from "./normalize-message.ts";
import { ToolCallNumbering } from "./tool-call-numbering.ts";

/** Puts right the frames of one streamed answer where LangChain would not read them. */
export class FrameNormalizer {
  #numberings: Map<unknown, ToolCallNumbering> | undefined;
  #hasRole = false;

  /** Every tool call that has begun has arguments that can be parsed. */
  get hasWholeToolCalls(): boolean {
    for (const numbering of this.#numberings?.values() ?? []) {
      if (!numbering.isComplete) return false;
    }
    return true;
  }

  /** Changes `choice` in place. Returns whether anything was changed. */
  normalize(choice: Fields): boolean {
    let { delta } = choice;
    let isChanged = false;
    if (!isFields(delta)) {
      // LangChain skips a choice without delta, and with it the finish reason.
      delta = isFields(choice["message"]) ? choice["message"] : {};
      choice["delta"] = delta;
      isChanged = true;
    }
    const fields = delta as Fields;
    const { role } = fields;
    if (role !== "assistant" && (!this.#hasRole || typeof role === "string")) {
      fields["role"] = "assistant";
      isChanged = true;
    }
    this.#hasRole = true;
    if (typeof fields["content"] === "object" && fields["content"] !== null) {
      isChanged = flattenContent(fields, true) || isChanged;
    }
    const { tool_calls: calls } = fields;
    if (calls === undefined || calls === null) return isChanged;
    return this.#normalizeToolCalls(fields, choice["index"] ?? 0) || isChanged;
  }

  #normalizeToolCalls(delta: Fields, choiceIndex: unknown): boolean {
    const { tool_calls: calls } = delta;
    let isChanged = false;
    if (!Array.isArray(calls)) {
      delta["tool_calls"] = [calls];
      isChanged = true;
    }
    this.#numberings ??= new Map();
    let numbering = this.#numberings.get(choiceIndex);
    if (!numbering) this.#numberings.set(choiceIndex, (numbering = new ToolCallNumbering()));
    for (const piece of delta["tool_calls"] as unknown[]) {
      if (isFields(piece) && numbering.place(piece)) isChanged = true;
    }
    return isChanged;
  }
}
