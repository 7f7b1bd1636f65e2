/** How long a budget lasts until it is full again: a day or a month of UTC. */
export type BudgetPeriod = "day" | "month";

/** When the period began that a moment lies in; both in ms since the epoch. */
export function findPeriodStart(period: BudgetPeriod, nowMs: number): number {
  const now = new Date(nowMs);
  const day = period === "day" ? now.getUTCDate() : 1;
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), day);
}
