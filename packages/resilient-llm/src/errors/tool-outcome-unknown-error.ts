import type { JournalKey } from "../journal/call-journal.ts";
import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/**
 * A tool that must act once was begun by a process that did not say how it ended. Whether it has acted, a human
 * has to find out. {@link settleToolCall} then says it to the journal.
 */
export class ToolOutcomeUnknownError extends ThreadkeepError {
  /** The errors of this class have the code `TOOL_OUTCOME_UNKNOWN`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["TOOL_OUTCOME_UNKNOWN"];
  /** `"ToolOutcomeUnknownError"`, also in minified code. */
  override readonly name: string = "ToolOutcomeUnknownError";
  /** The tool. */
  readonly toolName: string;
  /** The call, for {@link settleToolCall}. Its `id` is the idempotency key that the tool was given. */
  readonly key: JournalKey;

  /** @param key the call that was begun */
  constructor(toolName: string, key: JournalKey) {
    super(
      "TOOL_OUTCOME_UNKNOWN",
      `The tool ${toolName} was begun in thread ${JSON.stringify(key.threadId)} and may act once only, but nobody` +
        ` knows whether it has acted (idempotency key ${key.id}). Find out, and tell the journal with` +
        " settleToolCall. Then resume the thread.",
    );
    this.toolName = toolName;
    this.key = key;
  }
}
