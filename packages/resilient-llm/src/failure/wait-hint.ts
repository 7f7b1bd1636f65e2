import type { HeaderLookup } from "./header-lookup.ts";
import type { ErrorReport } from "./read-error-report.ts";

/** A number above this is a point in time in Unix seconds (2001 or later), not a duration. */
const EPOCH_SECONDS_FLOOR = 1_000_000_000;
/** A number above this is a point in time in Unix milliseconds: in seconds it would be the year 5138. */
const EPOCH_MS_FLOOR = 100_000_000_000;

const UNIT = String.raw`(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)`;
const AMOUNT = String.raw`\d+(?:\.\d+)?\s*${UNIT}(?![a-z])`;
/** One or more amounts with their units: `7m12.3s`, `1 minute and 30 seconds`. */
const DURATION = String.raw`\d+(?:\.\d+)?\s*${UNIT}(?:(?:\s*(?:,|and)?\s*)${AMOUNT})*(?![a-z])`;
const WHOLE_DURATION = new RegExp(`^(?:\\d+(?:\\.\\d+)?${UNIT})+$`, "i");
const WAIT_IN_TEXT = new RegExp(
  String.raw`\b(?:try again|retry|retrying|wait|resets?|available)\b[^\d\n]{0,30}?(${DURATION})`,
  "i",
);

/** Length of a unit of time as headers and texts name it. */
function readUnitMs(unit: string): number {
  if (/^(?:ms|milli)/i.test(unit)) return 1;
  if (/^s/i.test(unit)) return 1000;
  if (/^m/i.test(unit)) return 60_000;
  return /^h/i.test(unit) ? 3_600_000 : 86_400_000;
}

function sumAmounts(text: string): number {
  let total = 0;
  for (const [, amount, unit] of text.matchAll(
    /(\d+(?:\.\d+)?)\s*(ms|milli|s|m|h|d)[a-z]*(?=\d|\W|$)/gi,
  )) {
    total += Number(amount) * readUnitMs(unit ?? "s");
  }
  return total;
}

/**
 * A duration as providers write it, in ms: `1s`, `6m0s`, `20ms`, `1h2m3.5s`; `undefined` if it is not
 * one.
 */
export function parseDurationMs(text: string): number | undefined {
  const trimmed = text.trim();
  return WHOLE_DURATION.test(trimmed) ? sumAmounts(trimmed) : undefined;
}

/** From now on, in ms: a number of seconds, a point in time by its magnitude, a duration or a date. */
export function parseMoment(text: string, nowMs: number): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const number = Number(trimmed);
  if (Number.isFinite(number)) {
    if (number < 0) return undefined;
    if (number > EPOCH_MS_FLOOR) return Math.max(0, number - nowMs);
    return number > EPOCH_SECONDS_FLOOR ? Math.max(0, number * 1000 - nowMs) : number * 1000;
  }
  const duration = parseDurationMs(trimmed);
  if (duration !== undefined) return duration;
  const date = Date.parse(trimmed);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/** Limits for which providers report `remaining` and `reset` under several naming schemes. */
const RESET_HEADERS: readonly (readonly [reset: string, remaining: string])[] = [
  ["x-ratelimit-reset-requests", "x-ratelimit-remaining-requests"],
  ["x-ratelimit-reset-tokens", "x-ratelimit-remaining-tokens"],
  ["x-ratelimit-reset", "x-ratelimit-remaining"],
  ["ratelimit-reset", "ratelimit-remaining"],
  ["anthropic-ratelimit-requests-reset", "anthropic-ratelimit-requests-remaining"],
  ["anthropic-ratelimit-tokens-reset", "anthropic-ratelimit-tokens-remaining"],
];

/**
 * How long until a limit is filled up again that this answer, good as it is, has used up; in ms.
 * `undefined` if there is room left or the server does not report it.
 */
export function readExhaustionMs(headers: HeaderLookup, nowMs: number): number | undefined {
  let longest: number | undefined;
  for (const [reset, remaining] of RESET_HEADERS) {
    if (Number(headers.get(remaining) ?? Number.NaN) !== 0) continue;
    const delay = parseMoment(headers.get(reset) ?? "", nowMs);
    if (delay !== undefined) longest = Math.max(longest ?? 0, delay);
  }
  return longest;
}

/** A wait of nothing, or one that is over, is no hint: the caller's own backoff knows better. */
function asWait(delayMs: number | undefined): number | undefined {
  return delayMs !== undefined && delayMs > 0 && Number.isFinite(delayMs) ? delayMs : undefined;
}

function readHeaderHintMs(headers: HeaderLookup, nowMs: number): number | undefined {
  const explicit =
    asWait(Number(headers.get("retry-after-ms") ?? Number.NaN)) ??
    asWait(parseMoment(headers.get("retry-after") ?? "", nowMs));
  if (explicit !== undefined) return explicit;
  let longest: number | undefined;
  for (const [reset, remaining] of RESET_HEADERS) {
    const text = headers.get(reset);
    if (!text || Number(headers.get(remaining) ?? 0) > 0) continue;
    const delay = asWait(parseMoment(text, nowMs));
    if (delay !== undefined) longest = Math.max(longest ?? 0, delay);
  }
  return longest;
}

/**
 * How long the server asks to wait, in ms, or `undefined` if it does not say.
 *
 * `retry-after-ms` wins over `retry-after` (seconds or an HTTP date), which wins over the
 * `x-ratelimit-reset-*` family. Of the latter the longest counts, leaving out limits that the same
 * answer reports as not used up. Then the same headers as a gateway repeats them in the body, a delay
 * in the body, and last a "try again in 20s" in the error's text. How much of a hint is believed is
 * decided where it is used (`retry.maxBlockMs`).
 */
export function readWaitHintMs(
  headers: HeaderLookup | undefined,
  nowMs: number,
  report?: Pick<ErrorReport, "message" | "retryDelay" | "upstreamHeaders">,
): number | undefined {
  const inText = WAIT_IN_TEXT.exec(report?.message ?? "")?.[1];
  return (
    (headers && readHeaderHintMs(headers, nowMs)) ??
    (report?.upstreamHeaders && readHeaderHintMs(report.upstreamHeaders, nowMs)) ??
    asWait(parseMoment(report?.retryDelay ?? "", nowMs)) ??
    (inText === undefined ? undefined : asWait(sumAmounts(inText)))
  );
}

/** Whether the server itself says that a retry makes sense; OpenAI and Anthropic do. */
export function readShouldRetry(headers: HeaderLookup | undefined): boolean | undefined {
  const text = headers?.get("x-should-retry");
  if (text === "true") return true;
  return text === "false" ? false : undefined;
}
