import type { Mix } from "../clients/client-order.ts";
import type { PlannedThread } from "../history/history.ts";

/** What clients do to threads that stay. */
export const WORKING: Mix = {
  advance: 6,
  fork: 1,
  contest: 1,
  read: 2,
  list: 0.5,
  deleteThread: 0,
  sweep: 0,
  verifyThread: 0,
};

/** What they do where everything may happen at once. */
export const EVERYTHING: Mix = { ...WORKING, deleteThread: 0.2, sweep: 0.1, verifyThread: 0.3 };

/** Threads, each with a subgraph's namespace; without a TTL they stay. */
export function planThreads(
  count: number,
  { names = "thread", ttlMs }: { readonly names?: string; readonly ttlMs?: number } = {},
): PlannedThread[] {
  return Array.from({ length: count }, (_, index) => ({
    thread: `${names}-${index}`,
    namespaces: ["", "child:1"],
    ...(ttlMs !== undefined && { ttlMs }),
  }));
}
