import { ThreadkeepError, type ThreadkeepErrorCode } from "../errors/threadkeep-error.ts";

/** A model's answer could not be read in the form that was asked for. `rawText` holds the answer. */
export class AnswerParseError extends ThreadkeepError {
  /** The errors of this class have the code `ANSWER_NOT_PARSED`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["ANSWER_NOT_PARSED"];
  /** `"AnswerParseError"`, also in minified code. */
  override readonly name: string = "AnswerParseError";
  /** The whole answer, unshortened. */
  readonly rawText: string;

  /** @param message what does not fit */
  constructor(message: string, rawText: string, options?: ErrorOptions) {
    // Asked again, a model may well answer in the right form.
    super("ANSWER_NOT_PARSED", message, { ...options, isFinal: false });
    this.rawText = rawText;
  }
}
