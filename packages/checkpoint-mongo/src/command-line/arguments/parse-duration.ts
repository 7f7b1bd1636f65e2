import { asUsageError } from "../command-line-error.ts";

const SECONDS: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  min: 60,
  h: 3_600,
  d: 86_400,
  w: 604_800,
};

/**
 * Reads a length of time such as `90s`, `30m`, `12h`, `7d` or `2w`.
 *
 * @param option its name, for the message
 * @returns seconds
 */
export function parseDuration(option: string, text: string): number {
  const [, amount, unit = "s"] = /^(\d+(?:\.\d+)?)(s|m|min|h|d|w)$/.exec(text.trim()) ?? [];
  const seconds = Number(amount) * (SECONDS[unit] ?? NaN);
  if (seconds > 0 && Number.isFinite(seconds)) return seconds;
  throw asUsageError(
    `${option}: expected a length of time such as 90s, 30m, 12h, 7d or 2w, got ${JSON.stringify(text)}.`,
  );
}
