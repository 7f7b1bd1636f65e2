import { hasErrorCode, ThreadkeepError } from "./threadkeep-error.ts";

/**
 * Other writers of the same thread kept getting in first until the attempts were used up. Nothing
 * was stored; the call may be repeated.
 */
export class WriteConflictError extends ThreadkeepError {
  constructor(message: string, options?: ErrorOptions) {
    super("WRITE_CONFLICT", message, options);
  }

  static override isInstance(value: unknown): value is WriteConflictError {
    return hasErrorCode(value, "WRITE_CONFLICT");
  }
}
