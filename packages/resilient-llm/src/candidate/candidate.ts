import type { ModelProfile } from "@langchain/core/language_models/profile";
import type { Pricing } from "../cost/pricing.ts";
import type { EndpointDescription } from "../failure/classify-provider-error.ts";
import type { RetryQuota } from "../retry/retry-quota.ts";
import type { AdaptiveTimeout } from "./adaptive-timeout.ts";
import type { Breaker } from "./breaker.ts";
import type { InnerModel } from "./inner-model.ts";
import type { RateLimiter } from "./rate-limiter.ts";

/**
 * One model of the chain with everything that is remembered about it between calls. Shared by all
 * calls and by all models derived with `withConfig` and `bindTools`.
 */
export class Candidate {
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
  /** Until then the provider asked not to be called; in ms since the epoch. */
  blockedUntilMs = 0;
  /** Until then others are preferred, because a call had to fall back from here. */
  avoidedUntilMs = 0;

  constructor(parts: {
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
  }) {
    this.name = parts.name;
    this.endpoint = parts.endpoint;
    this.provider = parts.provider;
    this.inner = parts.inner;
    this.pricing = parts.pricing;
    this.profile = parts.profile;
    this.contextWindowTokens = parts.contextWindowTokens;
    this.maxOutputTokens = parts.maxOutputTokens;
    this.breaker = parts.breaker;
    this.retryQuota = parts.retryQuota;
    this.firstTokenLimit = parts.firstTokenLimit;
    this.totalLimit = parts.totalLimit;
    this.rateLimiter = parts.rateLimiter;
  }

  /** The provider asked for a pause; a longer one already asked for stays. */
  block(untilMs: number): void {
    this.blockedUntilMs = Math.max(this.blockedUntilMs, untilMs);
  }

  /** Nothing speaks against trying it now. */
  isHealthy(nowMs: number): boolean {
    return (
      nowMs >= this.blockedUntilMs && nowMs >= this.avoidedUntilMs && this.breaker.permits(nowMs)
    );
  }
}
