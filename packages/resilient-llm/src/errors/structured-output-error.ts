import type { BaseMessage } from "@langchain/core/messages";
import { type AttemptRecord, formatTimeline } from "../failure/attempt-record.ts";
import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** What a {@link StructuredOutputError} is made from. */
export interface StructuredOutputErrorDetails {
  /** What is wrong with the last answer, in the validator's words. */
  readonly problem: string;
  /** The last answer. */
  readonly answer: BaseMessage;
  /** Every attempt in order. */
  readonly attempts: readonly AttemptRecord[];
  /** The error that ended the call. */
  readonly cause?: unknown;
  /**
   * Whether every attempt was made that makes sense, so that doing the same again is of no use.
   *
   * @default true
   */
  readonly isFinal?: boolean | undefined;
}

/** The longest part of a validator's message that is shown, in characters. */
const LONGEST_PROBLEM = 1000;

/**
 * No answer had the shape that `withStructuredOutput` asked for: prose instead of the tool call, broken
 * arguments, or something the schema does not allow. Every attempt was told what was wrong with the
 * one before.
 */
export class StructuredOutputError extends ThreadkeepError {
  /** The errors of this class have the code `STRUCTURED_OUTPUT_FAILED`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["STRUCTURED_OUTPUT_FAILED"];
  /** `"StructuredOutputError"`, also in minified code. */
  override readonly name: string = "StructuredOutputError";
  /** What is wrong with the last answer, in the validator's words. */
  readonly problem: string;
  /** The last answer. */
  readonly answer: BaseMessage;
  /** Every attempt in order. */
  readonly attempts: readonly AttemptRecord[];

  /** @param details what is wrong with the last answer, and the attempts that were made */
  constructor({ answer, attempts, cause, isFinal, problem }: StructuredOutputErrorDetails) {
    super(
      "STRUCTURED_OUTPUT_FAILED",
      `No answer had the shape that was asked for. What is wrong with the last one: ` +
        `${problem.slice(0, LONGEST_PROBLEM)}\nSimplify the schema, or put a model first that is better` +
        ` at it. Attempts:\n${formatTimeline(attempts)}`,
      { cause, isFinal },
    );
    this.problem = problem;
    this.answer = answer;
    this.attempts = attempts;
  }
}
