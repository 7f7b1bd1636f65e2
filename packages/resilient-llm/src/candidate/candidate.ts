import type { ModelProfile } from "@langchain/core/language_models/profile";
import type { Pricing } from "../cost/pricing.ts";
import type { EndpointDescription } from "../failure/classify-provider-error.ts";
import type { RetryQuota } from "../retry/retry-quota.ts";
import type { AdaptiveTimeout } from "./adaptive-timeout.ts";
import type { Breaker } from "./breaker.ts";
import type { InnerModel } from "./inner-model.ts";
import type { RateLimiter } from "./rate-limiter.ts";

/** What is settled about a model of the chain when the chain is made. */
interface CandidateParts {
  /** Unique in the chain. */
  readonly name: string;
  readonly endpoint: EndpointDescription;
  readonly provider: string;
  readonly inner: InnerModel;
  readonly pricing: Pricing | undefined;
  readonly profile: ModelProfile;
  readonly contextWindowTokens: number | undefined;
  readonly maxOutputTokens: number | undefined;
  readonly breaker: Breaker;
  readonly retryQuota: RetryQuota;
  readonly firstTokenLimit: AdaptiveTimeout;
  readonly totalLimit: AdaptiveTimeout;
  readonly rateLimiter: RateLimiter | undefined;
}

/**
 * One model of the chain with everything that is remembered about it between calls. Shared by all
 * calls and by all models derived with `withConfig` and `bindTools`.
 */
export interface Candidate extends CandidateParts {
  /** Until then the provider asked not to be called; in ms since the epoch. */
  blockedUntilMs: number;
  /** Until then others are preferred, because a call had to fall back from here. */
  avoidedUntilMs: number;
  /** The provider asked for a pause; a longer one already asked for stays. */
  block(untilMs: number): void;
  /** Nothing speaks against trying it now. */
  isHealthy(nowMs: number): boolean;
}

/** A candidate that nothing is remembered about yet. */
export function assembleCandidate(parts: CandidateParts): Candidate {
  return {
    ...parts,
    blockedUntilMs: 0,
    avoidedUntilMs: 0,
    block(untilMs) {
      this.blockedUntilMs = Math.max(this.blockedUntilMs, untilMs);
    },
    isHealthy(nowMs) {
      return (
        nowMs >= this.blockedUntilMs && nowMs >= this.avoidedUntilMs && this.breaker.permits(nowMs)
      );
    },
  };
}
