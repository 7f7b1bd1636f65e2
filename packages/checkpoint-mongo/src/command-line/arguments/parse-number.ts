import { asUsageError } from "../command-line-error.ts";

/** Reads a whole number within bounds. */
export function parseWholeNumber(
  option: string,
  text: string,
  { min, max }: { readonly min: number; readonly max?: number | undefined },
): number {
  const number = /^\d+$/.test(text.trim()) ? Number(text) : NaN;
  if (number >= min && number <= (max ?? Number.MAX_SAFE_INTEGER)) return number;
  const range = max === undefined ? `from ${min}` : `from ${min} to ${max}`;
  throw asUsageError(`${option}: expected a whole number ${range}, got ${JSON.stringify(text)}.`);
}
