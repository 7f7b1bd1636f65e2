/** What a write does to when its thread expires. */
export type ExpiryPlan =
  | { readonly kind: "keep" }
  | { readonly kind: "change"; readonly expiresAt: Date | undefined };

/** A thread may expire this much later than its TTL says: writers' clocks differ a little. */
const TOLERANCE_MS = 5_000;

/**
 * Decides when a thread that is written to now expires. Only when less than half of the TTL is left
 * is the expiry moved, so that an active thread costs no update per step; a thread therefore
 * expires between half the TTL and the whole TTL after its last write.
 *
 * @param ttlSeconds the saver's TTL; undefined for threads that stay
 * @param expiresAt when the thread expires now; undefined for never
 */
export function planExpiry(
  ttlSeconds: number | undefined,
  expiresAt: Date | undefined,
  nowMs: number,
): ExpiryPlan {
  const wanted = computeExpiry(ttlSeconds, nowMs);
  if (ttlSeconds === undefined || expiresAt === undefined) {
    return wanted?.getTime() === expiresAt?.getTime()
      ? { kind: "keep" }
      : { kind: "change", expiresAt: wanted };
  }
  const leftMs = expiresAt.getTime() - nowMs;
  const ttlMs = ttlSeconds * 1_000;
  return leftMs < ttlMs / 2 || leftMs > ttlMs + TOLERANCE_MS
    ? { kind: "change", expiresAt: wanted }
    : { kind: "keep" };
}

/** When a thread that is written to now expires at the latest. */
export function computeExpiry(ttlSeconds: number | undefined, nowMs: number): Date | undefined {
  return ttlSeconds === undefined ? undefined : new Date(nowMs + ttlSeconds * 1_000);
}
