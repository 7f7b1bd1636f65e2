import { asUsageError } from "../command-line-error.ts";
import { parseDuration } from "./parse-duration.ts";

/** Reads a moment: a date, or how long ago it was. */
export function parseMoment(option: string, text: string, nowMs: number): Date {
  if (/^\d{4}-\d{2}-\d{2}/.test(text)) {
    const at = new Date(text);
    if (!Number.isNaN(at.getTime())) return at;
  } else if (/^\d/.test(text)) {
    return new Date(nowMs - parseDuration(option, text) * 1_000);
  }
  throw asUsageError(
    `${option}: expected a date such as 2026-01-31 or 2026-01-31T12:00:00Z, or a length of time such as 2h or ` +
      `7d for so long ago, got ${JSON.stringify(text)}.`,
  );
}
