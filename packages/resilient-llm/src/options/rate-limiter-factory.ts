import type { RateLimiterAbstract } from "rate-limiter-flexible";

/**
 * Makes the limiter that counts one kind of unit.
 *
 * @example
 * Shared by processes through MongoDB. Its unique index has to exist before two processes count at
 * once; `createIndexes()` of such a limiter makes it:
 * ```ts
 * const collection = { dbName: "app", tableName: "llm_rate_limits", disableIndexesCreation: true };
 * const createRateLimiter: RateLimiterFactory = (settings) =>
 *   new RateLimiterMongo({ storeClient: client, ...collection, ...settings });
 * ```
 */
export type RateLimiterFactory = (settings: {
  /** Units per window. */
  readonly points: number;
  /** Length of the window in seconds. */
  readonly duration: number;
  /** Tells the counters of requests and tokens apart. */
  readonly keyPrefix: string;
}) => RateLimiterAbstract;
