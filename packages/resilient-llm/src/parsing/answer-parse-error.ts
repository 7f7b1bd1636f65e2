import { ThreadkeepError } from "../errors/threadkeep-error.ts";

/** A model's answer couldn't be read as what was asked for; `rawText` is what it said. */
export class AnswerParseError extends ThreadkeepError {
  static readonly codes: readonly string[] = ["ANSWER_NOT_PARSED"];
  override readonly name = "AnswerParseError";
  /** The whole answer, unshortened. */
  readonly rawText: string;

  constructor(message: string, rawText: string, options?: { cause?: unknown }) {
    // Asked again, a model may well answer in the right form.
    super("ANSWER_NOT_PARSED", message, { ...options, isFinal: false });
    this.rawText = rawText;
  }
}
