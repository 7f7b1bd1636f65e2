import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { describeValue } from "../options/describe-value.ts";

const MAX_BYTES = 512;

/**
 * Checks the id of a run.
 *
 * @throws InvalidOptionsError if it is no string, empty or too long
 */
export function parseRunId(value: unknown): string {
  const isId =
    typeof value === "string" &&
    value !== "" &&
    value.isWellFormed() &&
    Buffer.byteLength(value) <= MAX_BYTES;
  if (isId) return value;
  throw new InvalidOptionsError(
    `Invalid run id: expected a non-empty string of at most ${MAX_BYTES} bytes of UTF-8, got ` +
      `${describeValue(value)}.`,
  );
}
