import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** The indexes of a collection could not be created. The next use of it tries again. */
export class SetupError extends ThreadkeepError {
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["SETUP_FAILED"];
  override readonly name: string = "SetupError";

  constructor(message: string, options?: ErrorOptions) {
    super("SETUP_FAILED", message, { ...options, isFinal: false });
  }
}
