import { parseMoment } from "../failure/wait-hint.ts";

/** What is left of one limit of an endpoint. */
export interface ReportedLimit {
  /** The same for the same limit. */
  readonly name: string;
  readonly unit: "requests" | "tokens";
  readonly remaining: number;
  /** What there is when nothing has been used. `undefined`: not said. */
  readonly full: number | undefined;
  /** Ms until it is full again. */
  readonly resetsInMs: number;
}

/** Of limits that do not say when they are full again. */
const USUAL_WINDOW_MS = 60_000;

const WINDOWS_MS: readonly (readonly [RegExp, number])[] = [
  [/day/, 86_400_000],
  [/hour/, 3_600_000],
  [/second/, 1000],
];

function readCount(text: string | null): number | undefined {
  if (text === null || text.trim() === "") return undefined;
  const count = Number(text);
  return Number.isFinite(count) && count >= 0 ? count : undefined;
}

/**
 * What a response says is left of the endpoint's limits: `x-ratelimit-remaining-requests` and `-tokens`
 * (OpenAI, Azure, Groq), `anthropic-ratelimit-tokens-remaining`, `x-ratelimit-remaining-tokens-minute`
 * (Cerebras, Mistral), `ratelimit-remaining` and the like. Where no unit is named, requests are meant.
 */
export function readReportedLimits(headers: Headers, nowMs: number): ReportedLimit[] {
  const limits: ReportedLimit[] = [];
  for (const [name, text] of headers) {
    if (!name.includes("ratelimit") || !name.includes("remaining")) continue;
    const remaining = readCount(text);
    if (remaining === undefined) continue;
    const reset = headers.get(name.replace("remaining", "reset"));
    const window = WINDOWS_MS.find(([pattern]) => pattern.test(name))?.[1] ?? USUAL_WINDOW_MS;
    limits.push({
      name,
      unit: name.includes("token") ? "tokens" : "requests",
      remaining,
      full: readCount(headers.get(name.replace("remaining", "limit"))),
      resetsInMs: (reset === null ? undefined : parseMoment(reset, nowMs)) ?? window,
    });
  }
  return limits;
}
