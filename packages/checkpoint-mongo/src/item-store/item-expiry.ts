import type { TTLConfig } from "./options.ts";

/** The expiry of an item that a refresh found expired: no clock can take it for one to come. */
export const LONG_AGO: Date = new Date(0);

/** Whether an item has expired, as an expression of an update. */
export const HAS_EXPIRED = {
  $and: [{ $gt: ["$expiresAt", null] }, { $lte: ["$expiresAt", "$$NOW"] }],
} as const;

/** A TTL in whole milliseconds; 0 is kept for items that stay. */
export function toTtlMs(seconds: number): number {
  return Math.max(1, Math.round(seconds * 1_000));
}

/** The time so many milliseconds from now by the server's clock, as an expression. */
export function inMilliseconds(amount: unknown): object {
  return { $dateAdd: { startDate: "$$NOW", unit: "millisecond", amount } };
}

/** The expiry of an item that was read, as an expression: its own TTL again, or the store's. */
export function refreshExpiry({ defaultTtl }: TTLConfig): object {
  const refreshed = inMilliseconds({ $ifNull: ["$threadkeep.ttlMs", toTtlMs(defaultTtl)] });
  const stays = { $eq: ["$threadkeep.ttlMs", 0] };
  return { $cond: [HAS_EXPIRED, LONG_AGO, { $cond: [stays, "$$REMOVE", refreshed] }] };
}
