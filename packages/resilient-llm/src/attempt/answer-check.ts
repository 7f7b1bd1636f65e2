import type { BaseMessage } from "@langchain/core/messages";

/** What an answer has to be, where a caller needs more than any answer. */
export interface AnswerCheck {
  /** What is wrong with an answer. `undefined`: nothing. Never rejects. */
  findProblem(message: BaseMessage): Promise<string | undefined>;
  /**
   * Whether the caller takes the last answer as it is where none passes, as with `includeRaw`. Else a
   * `StructuredOutputError` is thrown.
   */
  readonly acceptsLast: boolean;
}
