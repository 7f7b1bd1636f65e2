import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** Indexes of a collection could not be created, or are still being built. The next use tries again. */
export class SetupError extends ThreadkeepError {
  /** The errors of this class have the code `SETUP_FAILED`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["SETUP_FAILED"];
  /** `"SetupError"`, also in minified code. */
  override readonly name: string = "SetupError";

  /** @param message which indexes are missing, why, and what to do */
  constructor(message: string, options?: ErrorOptions) {
    super("SETUP_FAILED", message, { ...options, isFinal: false });
  }
}
