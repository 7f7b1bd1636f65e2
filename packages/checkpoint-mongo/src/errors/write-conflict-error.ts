import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/**
 * Other writers changed the same thread again and again, until all attempts were used up. Nothing was
 * stored. The call may be repeated.
 */
export class WriteConflictError extends ThreadkeepError {
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["WRITE_CONFLICT"];
  override readonly name: string = "WriteConflictError";

  constructor(message: string, options?: ErrorOptions) {
    super("WRITE_CONFLICT", message, { ...options, isFinal: false });
  }
}
