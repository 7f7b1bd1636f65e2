import { ThreadkeepError } from "./threadkeep-error.ts";

/** An option of the constructor is missing or not what it must be; the message names it. */
export class OptionsError extends ThreadkeepError {
  static readonly codes: readonly string[] = ["INVALID_OPTIONS"];
  override readonly name: string = "OptionsError";

  constructor(message: string, options?: { cause?: unknown }) {
    super("INVALID_OPTIONS", message, options);
  }
}
