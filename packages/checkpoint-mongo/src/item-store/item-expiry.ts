import type { TTLConfig } from "./options.ts";

/** The expiry of an item that a refresh found expired: in the past for every clock. */
export const LONG_AGO: Date = new Date(0);

/** Whether an item has expired, as an expression of an update. */
export const HAS_EXPIRED = {
  $and: [{ $gt: ["$expiresAt", null] }, { $lte: ["$expiresAt", "$$NOW"] }],
} as const;

/** A TTL in whole milliseconds, at least 1: 0 means that an item does not expire. */
export function toTtlMs(seconds: number): number {
  return Math.max(1, Math.round(seconds * 1_000));
}

/** The time so many milliseconds from now, by the server's clock, as an expression. */
export function inMilliseconds(amount: unknown): object {
  return { $dateAdd: { startDate: "$$NOW", unit: "millisecond", amount } };
}

/** The new expiry of an item that was read, as an expression: by its own TTL, or the store's. */
export function refreshExpiry({ defaultTtl }: TTLConfig): object {
  const refreshed = inMilliseconds({ $ifNull: ["$threadkeep.ttlMs", toTtlMs(defaultTtl)] });
  const stays = { $eq: ["$threadkeep.ttlMs", 0] };
  return { $cond: [HAS_EXPIRED, LONG_AGO, { $cond: [stays, "$$REMOVE", refreshed] }] };
}
