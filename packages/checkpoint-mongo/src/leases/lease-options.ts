import { z } from "zod";
import { checkOptions } from "../options/check-options.ts";
import { MAX_HOLD_MS } from "../store/thread-record.ts";

/** How a thread is leased. */
export interface LeaseOptions {
  /**
   * Milliseconds that the lease lasts unless it is renewed, which happens three times in this time. If the worker
   * dies, others wait so long. If it is paused for longer, it loses the lease. From 1,000 to 3,600,000.
   *
   * @default 30_000
   */
  readonly ttlMs?: number | undefined;
  /**
   * Milliseconds to wait if another worker has the lease. Those who wait get it in the order in which they came.
   *
   * @default 0: the call throws a `ThreadLeasedError` at once
   */
  readonly waitMs?: number | undefined;
  /** Ends the wait for the lease, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Checked options with their defaults. */
export interface ResolvedLease {
  readonly ttlMs: number;
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
}

const leaseSchema = z.strictObject({
  ttlMs: z.number().min(1_000).max(MAX_HOLD_MS).default(30_000),
  waitMs: z.number().nonnegative().default(0),
  signal: z.instanceof(AbortSignal).optional(),
});

/**
 * Checks how to lease a thread.
 *
 * @throws InvalidOptionsError if an option is wrong or unknown
 */
export function checkLease(owner: string, options: unknown): ResolvedLease {
  const { ttlMs, waitMs, signal } = checkOptions(owner, leaseSchema, options);
  return { ttlMs, waitMs, signal };
}
