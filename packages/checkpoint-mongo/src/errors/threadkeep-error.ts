const BRAND = Symbol.for("@threadkeep/checkpoint-mongo/error");

/**
 * The stable identifiers of everything this package throws on purpose. A code never changes its
 * meaning; messages may.
 */
export type ThreadkeepErrorCode =
  | "CHECKPOINT_TOO_LARGE"
  | "CLASS_NOT_ALLOWED"
  | "CORRUPT_CHECKPOINT"
  | "CORRUPT_ITEM"
  | "INTEGRITY_KEY"
  | "INVALID_ADDRESS"
  | "INVALID_OPTIONS"
  | "SEARCH_TOO_WIDE"
  | "SETUP_FAILED"
  | "STORAGE_REFUSED"
  | "STORAGE_UNAVAILABLE"
  | "UNSERIALIZABLE_STATE"
  | "UNSUPPORTED_FORMAT"
  | "UNSUPPORTED_NODE"
  | "UNSUPPORTED_RUNTIME"
  | "WRITE_CONFLICT";

/**
 * Base of every error thrown by this package. Tell errors apart by {@link ThreadkeepError.code} or
 * by each class's `isInstance`, which also holds when two copies of the package are installed.
 */
export class ThreadkeepError extends Error {
  readonly code: ThreadkeepErrorCode;

  constructor(code: ThreadkeepErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** Whether `value` was thrown by this package, in whichever copy of it. */
  static isInstance(value: unknown): value is ThreadkeepError {
    return hasBrand(value);
  }
}

/** Whether `value` is a {@link ThreadkeepError} with this code, in whichever copy of the package. */
export function hasErrorCode(value: unknown, code: ThreadkeepErrorCode): boolean {
  return hasBrand(value) && value.code === code;
}

function hasBrand(value: unknown): value is ThreadkeepError {
  return typeof value === "object" && value !== null && BRAND in value;
}
