/** How long threads stay that are not written to any more. */
export interface Retention {
  /** Seconds that a thread stays at least. */
  readonly ttl: number;
  /** It stays at most this share of the TTL longer. */
  readonly ttlSlack: number;
}

/** Processes know the server's clock only about. */
const CLOCK_TOLERANCE_MS = 5_000;

/** A write that others get in the way of moves the expiry ahead by at most twice this much more. */
const MAX_LEAD_MS = 30_000;

/** A thread may expire this much later than its retention says. */
const TOLERANCE_MS = CLOCK_TOLERANCE_MS + 2 * MAX_LEAD_MS;

/**
 * Whether the expiry of a thread that is written to now is to be moved: only when no more than the TTL
 * is left. So an active thread does not cost an update per step but one every TTL × slack, and a thread
 * expires between TTL and TTL × (1 + slack) after its last write.
 *
 * @param retention undefined for threads that stay
 * @param expiresAt when the thread expires now; undefined for never
 * @param leadMs how long nobody else may find that it is to be moved
 */
export function isMoveDue(
  retention: Retention | undefined,
  expiresAt: Date | undefined,
  nowMs: number,
  leadMs = 0,
): boolean {
  if (retention === undefined || expiresAt === undefined) {
    return (retention === undefined) !== (expiresAt === undefined);
  }
  const leftMs = expiresAt.getTime() - nowMs;
  const isShort = leftMs <= retention.ttl * 1_000 + limitLead(leadMs);
  const isLong = leftMs > longestMs(retention) + TOLERANCE_MS;
  return isShort || isLong;
}

/**
 * When a thread that is written to now expires at the latest; undefined for never.
 *
 * @param leadMs as for {@link isMoveDue}: there is time for it, and for the move itself
 */
export function computeExpiry(
  retention: Retention | undefined,
  nowMs: number,
  leadMs = 0,
): Date | undefined {
  if (retention === undefined) return undefined;
  const leftMs = longestMs(retention, 2 * limitLead(leadMs));
  // Rounded up: a `Date` would cut off what is beyond whole milliseconds.
  return new Date(Math.ceil(nowMs + leftMs));
}

function longestMs({ ttl, ttlSlack }: Retention, leastSlackMs = 0): number {
  const ttlMs = ttl * 1_000;
  return ttlMs + Math.max(ttlMs * ttlSlack, leastSlackMs);
}

function limitLead(leadMs: number): number {
  return Math.min(leadMs, MAX_LEAD_MS);
}
