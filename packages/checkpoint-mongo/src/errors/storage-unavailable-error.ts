import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** Which command was tried, and for how long. */
export interface UnavailableStorage {
  /** The command and its collection, as in `find on agents.threadkeep_threads`. */
  readonly operation: string;
  /** How often the command was tried. */
  readonly attempts: number;
  /** From the first attempt to the end of the last one, in milliseconds. */
  readonly elapsedMs: number;
  /** The driver's last error. */
  readonly cause: unknown;
}

/**
 * The database did not answer within the time that the `retry` option sets. A write may have been
 * stored nevertheless, if only its reply was lost. The call may be repeated: nothing is stored twice.
 */
export class StorageUnavailableError extends ThreadkeepError {
  /** The errors of this class have the code `STORAGE_UNAVAILABLE`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["STORAGE_UNAVAILABLE"];
  /** `"StorageUnavailableError"`, also in minified code. */
  override readonly name: string = "StorageUnavailableError";

  /** How often the command was tried. */
  readonly attempts: number;
  /** From the first attempt to the end of the last one, in milliseconds. */
  readonly elapsedMs: number;

  /** @param input which command was tried, and for how long */
  constructor({ operation, attempts, elapsedMs, cause }: UnavailableStorage) {
    const times = attempts === 1 ? "once" : `${attempts} times`;
    super(
      "STORAGE_UNAVAILABLE",
      `The database is not available: ${operation} was tried ${times} in ` +
        `${(elapsedMs / 1_000).toFixed(1)} s. The last attempt failed with ${describeCause(cause)}. ` +
        "Check that a primary is up and can be reached from here. Then repeat the call: nothing is " +
        "stored twice. For longer outages raise retry.deadlineMs, for slow commands " +
        "operationTimeoutMs.",
      { cause, isFinal: false },
    );
    this.attempts = attempts;
    this.elapsedMs = elapsedMs;
  }
}

/** Name, code and message of an error of the driver, without the secrets of a connection string. */
export function describeCause(cause: unknown): string {
  const { name, code, message } = cause as { name?: unknown; code?: unknown; message?: unknown };
  const number = typeof code === "number" ? ` (code ${code})` : "";
  const text = String(message).replaceAll(/\b(mongodb(?:\+srv)?:\/\/)[^\s@/]*@/g, "$1…@");
  return `${typeof name === "string" ? name : "an error"}${number}: ${text.replace(/\.$/, "")}`;
}
