import { describeCause } from "./storage-unavailable-error.ts";
import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/**
 * The server or the driver refuses a command, and would refuse it again: the database user lacks a
 * privilege, a validation rule of the collection forbids it, the client was closed. The driver's error is
 * the `cause`.
 */
export class StorageRefusedError extends ThreadkeepError {
  /** The errors of this class have the code `STORAGE_REFUSED`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["STORAGE_REFUSED"];
  /** `"StorageRefusedError"`, also in minified code. */
  override readonly name: string = "StorageRefusedError";

  /**
   * @param operation the command and its collection, as in `find on agents.threadkeep_threads`
   * @param cause the error of the driver
   * @param advice what to do about it
   */
  constructor(operation: string, cause: unknown, advice: string) {
    super("STORAGE_REFUSED", `${operation} was refused by ${describeCause(cause)}. ${advice}`, {
      cause,
    });
  }
}
