import { describeCause } from "./storage-unavailable-error.ts";
import { hasErrorCode, ThreadkeepError } from "./threadkeep-error.ts";

/**
 * The server, or the driver, does not carry out a command, and will not when it is repeated: the
 * database user lacks a privilege, a validation rule of the collection forbids it, the client has been
 * closed, and so on. The driver's error is the `cause`.
 */
export class StorageRefusedError extends ThreadkeepError {
  constructor(operation: string, cause: unknown, advice: string) {
    super("STORAGE_REFUSED", `${operation} was refused by ${describeCause(cause)}. ${advice}`, {
      cause,
    });
  }

  static override isInstance(value: unknown): value is StorageRefusedError {
    return hasErrorCode(value, "STORAGE_REFUSED");
  }
}
