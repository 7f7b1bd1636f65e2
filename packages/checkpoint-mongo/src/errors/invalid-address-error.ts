import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/**
 * A `thread_id`, `checkpoint_ns`, `checkpoint_id` or task id is missing, too long or not a string.
 * Thrown before anything reaches the database.
 */
export class InvalidAddressError extends ThreadkeepError {
  /** The errors of this class have the code `INVALID_ADDRESS`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["INVALID_ADDRESS"];
  /** `"InvalidAddressError"`, also in minified code. */
  override readonly name: string = "InvalidAddressError";

  /** Where the bad value stood, for example `configurable.thread_id`. */
  readonly field: string;

  /**
   * @param field where the bad value stood, for example `configurable.thread_id`
   * @param expectation what is expected there, for example `a non-empty string`
   * @param found the bad value; long ones are not shown
   */
  constructor(field: string, expectation: string, found: unknown) {
    super(
      "INVALID_ADDRESS",
      `Invalid ${field}: expected ${expectation}, got ${describeValue(found)}.`,
    );
    this.field = field;
  }
}

/** Longer strings are not shown. */
const MAX_SHOWN = 200;

function describeValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (value === "") return "an empty string";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") {
    const operator = Object.keys(value).find((key) => key.startsWith("$"));
    return operator === undefined ? "an object" : `an object with the query operator ${operator}`;
  }
  if (typeof value === "string" && value.length > MAX_SHOWN) {
    return `a string of ${Buffer.byteLength(value)} bytes`;
  }
  if (typeof value === "string") return `the string ${JSON.stringify(value)}`;
  return `a ${typeof value}`;
}
