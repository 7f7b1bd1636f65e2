import { describeCause } from "./storage-unavailable-error.ts";
import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/**
 * The server or the driver refuses a command, and would refuse it again: the database user lacks a
 * privilege, a validation rule of the collection forbids it, the client was closed. The driver's error is
 * the `cause`.
 */
export class StorageRefusedError extends ThreadkeepError {
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["STORAGE_REFUSED"];
  override readonly name: string = "StorageRefusedError";

  constructor(operation: string, cause: unknown, advice: string) {
    super("STORAGE_REFUSED", `${operation} was refused by ${describeCause(cause)}. ${advice}`, {
      cause,
    });
  }
}
