/** How long threads stay that are not written to any more. */
export interface Retention {
  /** Seconds that a thread stays at least. */
  readonly ttl: number;
  /** It stays at most this share of the TTL longer. */
  readonly ttlSlack: number;
}

/** What a write does to when its thread expires. */
export type ExpiryPlan =
  | { readonly kind: "keep" }
  | { readonly kind: "change"; readonly expiresAt: Date | undefined };

/** A thread may expire this much later than that: processes know the server's clock only about. */
const TOLERANCE_MS = 5_000;

/**
 * Decides when a thread that is written to now expires: after its TTL and the slack. Only when no more
 * than the TTL is left is that moved, so that an active thread costs no update per step but one every
 * TTL × slack; a thread therefore expires between TTL and TTL × (1 + slack) after its last write.
 *
 * @param retention undefined for threads that stay
 * @param expiresAt when the thread expires now; undefined for never
 */
export function planExpiry(
  retention: Retention | undefined,
  expiresAt: Date | undefined,
  nowMs: number,
): ExpiryPlan {
  const wanted = computeExpiry(retention, nowMs);
  if (retention === undefined || expiresAt === undefined) {
    return wanted?.getTime() === expiresAt?.getTime()
      ? { kind: "keep" }
      : { kind: "change", expiresAt: wanted };
  }
  const leftMs = expiresAt.getTime() - nowMs;
  const isShort = leftMs <= retention.ttl * 1_000;
  const isLong = leftMs > longestMs(retention) + TOLERANCE_MS;
  return isShort || isLong ? { kind: "change", expiresAt: wanted } : { kind: "keep" };
}

/** When a thread that is written to now expires at the latest. */
export function computeExpiry(retention: Retention | undefined, nowMs: number): Date | undefined {
  // Rounded up: a `Date` would cut off what is beyond whole milliseconds.
  return retention === undefined ? undefined : new Date(Math.ceil(nowMs + longestMs(retention)));
}

function longestMs({ ttl, ttlSlack }: Retention): number {
  return ttl * 1_000 * (1 + ttlSlack);
}
