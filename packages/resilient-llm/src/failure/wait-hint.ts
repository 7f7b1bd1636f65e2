/** Read access to response headers; `Headers` satisfies it. */
export interface HeaderLookup {
  get(name: string): string | null | undefined;
}

/** A number above this is a point in time (Unix seconds of 2001 or later), not a duration. */
const epochSecondsFloor = 1_000_000_000;

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * A duration as providers write it, in ms: `1s`, `6m0s`, `20ms`, `1h2m3.5s`; `undefined` if it isn't
 * one.
 */
export function parseDurationMs(text: string): number | undefined {
  const trimmed = text.trim();
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/.test(trimmed)) return undefined;
  let total = 0;
  for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)) {
    total += Number(amount) * (unitMs[unit ?? ""] ?? 0);
  }
  return total;
}

function parseMoment(text: string, nowMs: number): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const seconds = Number(trimmed);
  if (Number.isFinite(seconds)) {
    if (seconds < 0) return undefined;
    return seconds > epochSecondsFloor ? Math.max(0, seconds * 1000 - nowMs) : seconds * 1000;
  }
  const duration = parseDurationMs(trimmed);
  if (duration !== undefined) return duration;
  const date = Date.parse(trimmed);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/** Limits for which providers report `remaining` and `reset` under several naming schemes. */
const resetHeaders: readonly (readonly [reset: string, remaining: string])[] = [
  ["x-ratelimit-reset-requests", "x-ratelimit-remaining-requests"],
  ["x-ratelimit-reset-tokens", "x-ratelimit-remaining-tokens"],
  ["x-ratelimit-reset", "x-ratelimit-remaining"],
  ["ratelimit-reset", "ratelimit-remaining"],
  ["anthropic-ratelimit-requests-reset", "anthropic-ratelimit-requests-remaining"],
  ["anthropic-ratelimit-tokens-reset", "anthropic-ratelimit-tokens-remaining"],
];

/**
 * How long until a limit is filled up again that this answer, good as it is, has used up; in ms.
 * `undefined` if there is room left or the server doesn't report it.
 */
export function readExhaustionMs(headers: HeaderLookup, nowMs: number): number | undefined {
  let longest: number | undefined;
  for (const [reset, remaining] of resetHeaders) {
    if (Number(headers.get(remaining) ?? Number.NaN) !== 0) continue;
    const delay = parseMoment(headers.get(reset) ?? "", nowMs);
    if (delay !== undefined) longest = Math.max(longest ?? 0, delay);
  }
  return longest;
}

/**
 * How long the server asks to wait, in ms, or `undefined` if it doesn't say.
 *
 * `retry-after-ms` wins over `retry-after` (seconds or an HTTP date), which wins over the
 * `x-ratelimit-reset-*` family. Of the latter the longest counts, leaving out limits that the same
 * answer reports as not used up. Last, a "try again in 20s" in the error's text.
 */
export function readWaitHintMs(
  headers: HeaderLookup | undefined,
  nowMs: number,
  message = "",
): number | undefined {
  if (headers) {
    const milliseconds = Number(headers.get("retry-after-ms") ?? Number.NaN);
    if (Number.isFinite(milliseconds) && milliseconds >= 0) return milliseconds;

    const retryAfter = headers.get("retry-after");
    const explicit = retryAfter ? parseMoment(retryAfter, nowMs) : undefined;
    if (explicit !== undefined) return explicit;

    let longest: number | undefined;
    for (const [reset, remaining] of resetHeaders) {
      const text = headers.get(reset);
      if (!text || Number(headers.get(remaining) ?? 0) > 0) continue;
      const delay = parseMoment(text, nowMs);
      if (delay !== undefined) longest = Math.max(longest ?? 0, delay);
    }
    if (longest !== undefined) return longest;
  }
  const inText =
    /(?:try again|retry) (?:in|after) (\d+(?:\.\d+)?) ?(ms|milliseconds?|s|seconds?|m|minutes?)\b/i.exec(
      message,
    );
  if (!inText) return undefined;
  return Number(inText[1]) * wordMs(inText[2] ?? "s");
}

/** Length of a unit of time as texts name it, `ms` to `minutes`. */
function wordMs(unit: string): number {
  if (/^(?:ms|milli)/i.test(unit)) return 1;
  return /^m/i.test(unit) ? 60_000 : 1000;
}
