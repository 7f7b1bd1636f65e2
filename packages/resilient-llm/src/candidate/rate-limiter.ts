import { RateLimiterMemory, RateLimiterRes, type RateLimiterAbstract } from "rate-limiter-flexible";
import type { RateLimitOptions } from "../options/candidate-options.ts";
import type { RateLimiterFactory } from "../options/rate-limiter-factory.ts";
import type { ReportedLimit } from "./reported-limits.ts";

const WINDOW_SECONDS = 60;

/** Whether an attempt may go, or how long it must wait. */
export type RateLimitDecision =
  | { readonly granted: true; readonly giveBack: () => Promise<void> }
  | { readonly granted: false; readonly waitMs: number };

interface Limit {
  readonly unit: ReportedLimit["unit"];
  readonly limiter: RateLimiterAbstract;
  readonly points: number;
  readonly weigh: (tokens: number) => number;
}

/** Keeps one candidate within its requests and tokens per minute. */
export class RateLimiter {
  readonly #key: string;
  readonly #limits: readonly Limit[];
  readonly #onCount: (limit: ReportedLimit) => void;

  /** @param onCount Told what is left of a limit, at first and with every count. */
  constructor(
    key: string,
    options: RateLimitOptions,
    create: RateLimiterFactory = (settings) => new RateLimiterMemory(settings),
    onCount: (limit: ReportedLimit) => void = () => {},
  ) {
    this.#key = key;
    this.#onCount = onCount;
    const limits: Limit[] = [];
    const add = (
      unit: Limit["unit"],
      points: number | undefined,
      keyPrefix: string,
      weigh: Limit["weigh"],
    ) => {
      if (points === undefined) return;
      onCount({ name: unit, unit, remaining: points, full: points, resetsInMs: 0 });
      limits.push({
        unit,
        limiter: create({ points, duration: WINDOW_SECONDS, keyPrefix }),
        points,
        weigh,
      });
    };
    add("requests", options.requestsPerMinute, "threadkeep-requests", () => 1);
    // A prompt larger than the whole limit would wait forever. It takes a full window instead.
    add("tokens", options.tokensPerMinute, "threadkeep-tokens", (tokens) =>
      Math.min(tokens, options.tokensPerMinute ?? tokens),
    );
    this.#limits = limits;
  }

  /**
   * Takes one request and `tokens` tokens, or nothing.
   *
   * @throws what a limiter throws that cannot be reached.
   */
  async take(tokens: number): Promise<RateLimitDecision> {
    const taken: { readonly limit: Limit; readonly points: number }[] = [];
    const giveBack = async () => {
      await Promise.all(taken.map(({ limit, points }) => limit.limiter.reward(this.#key, points)));
    };
    for (const limit of this.#limits) {
      const points = limit.weigh(tokens);
      try {
        const counted = await limit.limiter.consume(this.#key, points);
        taken.push({ limit, points });
        this.#report(limit, counted);
      } catch (reason) {
        // A refused request is counted too. Left so, waiting callers would use up the window.
        if (!(reason instanceof RateLimiterRes)) throw reason;
        taken.push({ limit, points });
        this.#report(limit, reason);
        await giveBack();
        return { granted: false, waitMs: Math.max(reason.msBeforeNext, 1) };
      }
    }
    return { granted: true, giveBack };
  }

  #report({ points, unit }: Limit, counted: RateLimiterRes): void {
    this.#onCount({
      name: unit,
      unit,
      remaining: Math.max(0, counted.remainingPoints),
      full: points,
      resetsInMs: Math.max(0, counted.msBeforeNext),
    });
  }
}
