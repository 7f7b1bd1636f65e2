import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/**
 * Options of a constructor, a function or a call are missing, unknown or of no use. The message lists
 * every problem, one a line, without the values of secrets. Thrown before anything is done.
 */
export class InvalidOptionsError extends ThreadkeepError {
  /** The errors of this class have the code `INVALID_OPTIONS`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["INVALID_OPTIONS"];
  /** `"InvalidOptionsError"`, also in minified code. */
  override readonly name: string = "InvalidOptionsError";

  /** @param message every problem, one a line */
  constructor(message: string, options?: ErrorOptions) {
    super("INVALID_OPTIONS", message, options);
  }
}
