import { hasErrorCode, ThreadkeepError } from "./threadkeep-error.ts";

/** The collections' indexes could not be made. The next use of the saver tries again. */
export class SetupError extends ThreadkeepError {
  constructor(message: string, options?: ErrorOptions) {
    super("SETUP_FAILED", message, options);
  }

  static override isInstance(value: unknown): value is SetupError {
    return hasErrorCode(value, "SETUP_FAILED");
  }
}
