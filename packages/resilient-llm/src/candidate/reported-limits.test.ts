import { expect, it } from "vitest";
import { readReportedLimits } from "./reported-limits.ts";

const NOW_MS = Date.parse("2026-11-27T12:00:00Z");

it.each<[string, Record<string, string>, object[]]>([
  [
    "OpenAI, Azure and Groq",
    {
      "x-ratelimit-limit-requests": "500",
      "x-ratelimit-remaining-requests": "499",
      "x-ratelimit-reset-requests": "120ms",
      "x-ratelimit-limit-tokens": "30000",
      "x-ratelimit-remaining-tokens": "29000",
      "x-ratelimit-reset-tokens": "1m2s",
    },
    [
      { unit: "requests", remaining: 499, full: 500, resetsInMs: 120 },
      { unit: "tokens", remaining: 29_000, full: 30_000, resetsInMs: 62_000 },
    ],
  ],
  [
    "Anthropic",
    {
      "anthropic-ratelimit-input-tokens-limit": "1000",
      "anthropic-ratelimit-input-tokens-remaining": "10",
      "anthropic-ratelimit-input-tokens-reset": "2026-11-27T12:00:30Z",
    },
    [{ unit: "tokens", remaining: 10, full: 1000, resetsInMs: 30_000 }],
  ],
  [
    "limits of a day, without a reset",
    { "x-ratelimit-remaining-requests-day": "7", "x-ratelimit-limit-requests-day": "1000" },
    [{ unit: "requests", remaining: 7, full: 1000, resetsInMs: 86_400_000 }],
  ],
  [
    "a limit that names no unit and no size",
    { "ratelimit-remaining": "12" },
    [{ unit: "requests", remaining: 12, full: undefined, resetsInMs: 60_000 }],
  ],
  ["what is no number", { "x-ratelimit-remaining-requests": "many" }, []],
  ["an empty value", { "x-ratelimit-remaining-requests": "" }, []],
  ["other headers", { "x-request-id": "1", remaining: "5" }, []],
])("reads what is left as %s report it", (_, headers, expected) => {
  expect(readReportedLimits(new Headers(headers), NOW_MS)).toMatchObject(expected);
  expect(readReportedLimits(new Headers(headers), NOW_MS)).toHaveLength(expected.length);
});
