import { hasErrorCode, ThreadkeepError } from "./threadkeep-error.ts";

/** A constructor option or a call's option has a value that cannot work. Thrown before any I/O. */
export class InvalidOptionsError extends ThreadkeepError {
  constructor(message: string, options?: ErrorOptions) {
    super("INVALID_OPTIONS", message, options);
  }

  static override isInstance(value: unknown): value is InvalidOptionsError {
    return hasErrorCode(value, "INVALID_OPTIONS");
  }
}
