/** How long threads stay that are not written to any more. */
export interface Retention {
  /** Seconds that a thread stays at least. */
  readonly ttl: number;
  /** It stays at most this share of the TTL longer. */
  readonly ttlSlack: number;
}

/** A thread may expire this much later than that: processes know the server's clock only about. */
const TOLERANCE_MS = 5_000;

/**
 * Whether the expiry of a thread that is written to now is to be moved: only when no more than the TTL
 * is left. So an active thread does not cost an update per step but one every TTL × slack, and a thread
 * expires between TTL and TTL × (1 + slack) after its last write.
 *
 * @param retention undefined for threads that stay
 * @param expiresAt when the thread expires now; undefined for never
 */
export function isMoveDue(
  retention: Retention | undefined,
  expiresAt: Date | undefined,
  nowMs: number,
): boolean {
  if (retention === undefined || expiresAt === undefined) {
    return (retention === undefined) !== (expiresAt === undefined);
  }
  const leftMs = expiresAt.getTime() - nowMs;
  const isShort = leftMs <= retention.ttl * 1_000;
  const isLong = leftMs > longestMs(retention) + TOLERANCE_MS;
  return isShort || isLong;
}

/** When a thread that is written to now expires at the latest; undefined for never. */
export function computeExpiry(retention: Retention | undefined, nowMs: number): Date | undefined {
  // Rounded up: a `Date` would cut off what is beyond whole milliseconds.
  return retention === undefined ? undefined : new Date(Math.ceil(nowMs + longestMs(retention)));
}

function longestMs({ ttl, ttlSlack }: Retention): number {
  return ttl * 1_000 * (1 + ttlSlack);
}
