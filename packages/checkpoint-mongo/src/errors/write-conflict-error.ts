import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/**
 * Other writers changed the same thread again and again, until all attempts were used up. Nothing was
 * stored. The call may be repeated.
 */
export class WriteConflictError extends ThreadkeepError {
  /** The errors of this class have the code `WRITE_CONFLICT`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["WRITE_CONFLICT"];
  /** `"WriteConflictError"`, also in minified code. */
  override readonly name: string = "WriteConflictError";

  /** @param message what was to be stored, and how often it was tried */
  constructor(message: string, options?: ErrorOptions) {
    super("WRITE_CONFLICT", message, { ...options, isFinal: false });
  }
}
