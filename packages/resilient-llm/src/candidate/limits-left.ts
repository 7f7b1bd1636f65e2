import { readReportedLimits, type ReportedLimit } from "./reported-limits.ts";

/** How many requests fit into the limits of an endpoint. */
export interface RequestsLeft {
  readonly now: number;
  /** When nothing has been used. */
  readonly full: number;
}

interface KnownLimit {
  readonly unit: ReportedLimit["unit"];
  readonly full: number;
  readonly resetsAtMs: number;
  remaining: number;
}

/**
 * What is left of an endpoint's limits, as far as its responses and its `rateLimit` say. Between two
 * responses the requests under way are counted here.
 */
export class LimitsLeft {
  readonly #reported = new Map<string, KnownLimit>();
  /** Those of `rateLimit`. Its counters count the requests themselves. */
  readonly #counted = new Map<string, KnownLimit>();

  /** Reads what a response says. */
  noteHeaders(headers: Headers, nowMs: number): void {
    for (const limit of readReportedLimits(headers, nowMs)) note(this.#reported, limit, nowMs);
  }

  /** What a counter of `rateLimit` has left. */
  noteCount(limit: ReportedLimit, nowMs: number): void {
    note(this.#counted, limit, nowMs);
  }

  /** A request of `tokens` tokens is sent. */
  take(tokens: number): void {
    for (const limit of this.#reported.values()) {
      const taken = limit.unit === "tokens" ? tokens : 1;
      limit.remaining = Math.max(0, limit.remaining - taken);
    }
  }

  /** How many requests of `tokens` tokens fit into all limits. `undefined`: no limit is known. */
  countRequests(tokens: number, nowMs: number): RequestsLeft | undefined {
    if (this.#reported.size === 0 && this.#counted.size === 0) return undefined;
    let [now, full] = [Infinity, Infinity];
    for (const limits of [this.#reported, this.#counted]) {
      for (const limit of limits.values()) {
        const perRequest = limit.unit === "tokens" ? Math.max(1, tokens) : 1;
        const remaining = nowMs < limit.resetsAtMs ? limit.remaining : limit.full;
        now = Math.min(now, remaining / perRequest);
        full = Math.min(full, limit.full / perRequest);
      }
    }
    return { now, full };
  }
}

function note(limits: Map<string, KnownLimit>, limit: ReportedLimit, nowMs: number): void {
  const { full, name, remaining, resetsInMs, unit } = limit;
  const most = Math.max(remaining, full ?? limits.get(name)?.full ?? 0);
  limits.set(name, { unit, remaining, full: most, resetsAtMs: nowMs + resetsInMs });
}
