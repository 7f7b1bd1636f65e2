import { hasErrorCode, ThreadkeepError } from "./threadkeep-error.ts";

/** What was tried, and for how long. */
export interface UnavailableStorage {
  /** The command and its collection, as in `find on agents.threadkeep_threads`. */
  readonly operation: string;
  readonly attempts: number;
  /** From the first attempt to the end of the last one, in milliseconds. */
  readonly elapsedMs: number;
  /** What the driver said last. It is the error's `cause`. */
  readonly cause: unknown;
}

/**
 * The database could not be reached, or couldn't answer, for as long as the `retry` option says. A
 * write may have been stored all the same, if just its reply was lost: the call may be repeated, and
 * what is there already is found and not stored twice.
 */
export class StorageUnavailableError extends ThreadkeepError {
  /** How often the command was tried. */
  readonly attempts: number;
  /** From the first attempt to the end of the last one, in milliseconds. */
  readonly elapsedMs: number;

  constructor({ operation, attempts, elapsedMs, cause }: UnavailableStorage) {
    const times = attempts === 1 ? "once" : `${attempts} times`;
    super(
      "STORAGE_UNAVAILABLE",
      `The database is not available: ${operation} was tried ${times} in ` +
        `${(elapsedMs / 1_000).toFixed(1)} s. The last attempt failed with ${describeCause(cause)}. ` +
        "Check that a primary is up and can be reached from here. Then repeat the call: what is " +
        "stored already is not stored twice. For longer outages raise retry.deadlineMs, for slow " +
        "commands operationTimeoutMs.",
      { cause },
    );
    this.attempts = attempts;
    this.elapsedMs = elapsedMs;
  }

  static override isInstance(value: unknown): value is StorageUnavailableError {
    return hasErrorCode(value, "STORAGE_UNAVAILABLE");
  }
}

/** Name, number and text of an error of the driver, without what a connection string may hold. */
export function describeCause(cause: unknown): string {
  const { name, code, message } = cause as { name?: unknown; code?: unknown; message?: unknown };
  const number = typeof code === "number" ? ` (code ${code})` : "";
  const text = String(message).replaceAll(/\b(mongodb(?:\+srv)?:\/\/)[^\s@/]*@/g, "$1…@");
  return `${typeof name === "string" ? name : "an error"}${number}: ${text.replace(/\.$/, "")}`;
}
