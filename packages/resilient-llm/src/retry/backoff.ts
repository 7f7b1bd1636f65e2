/** Delays between the attempts on one candidate. */
export interface BackoffOptions {
  /** Upper bound of the first delay, in ms. */
  readonly baseDelayMs: number;
  /** No delay is longer, in ms. */
  readonly maxDelayMs: number;
}

/**
 * Delay in ms before retry number `retry` (from 0): uniformly random between 0 and
 * `min(maxDelayMs, baseDelayMs × 2^retry)`, the "full jitter" of
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
 */
export function drawFullJitterMs(
  retry: number,
  options: BackoffOptions,
  random: () => number,
): number {
  return random() * Math.min(options.maxDelayMs, options.baseDelayMs * 2 ** retry);
}
