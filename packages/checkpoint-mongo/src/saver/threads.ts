import { computeExpiry, planExpiry } from "../retention/plan-expiry.ts";
import { changeExpiry, openThread, type ThreadState } from "../store/index.ts";
import type { SaverContext } from "./context.ts";

/**
 * Gets a thread ready to be written to: opens it if this process does not know it, and moves its
 * expiry if that is due.
 */
export async function prepareThread(
  { collections, cache, settings }: SaverContext,
  threadId: string,
): Promise<ThreadState> {
  const now = Date.now();
  let thread = cache.getThread(threadId);
  if (thread === undefined || isExpired(thread.expiresAt)) {
    thread = await cache.openOnce(threadId, () =>
      openThread(collections, threadId, computeExpiry(settings.ttl, now)),
    );
  }
  const plan = planExpiry(settings.ttl, thread.expiresAt, now);
  if (plan.kind === "change") thread = await changeExpiry(collections, thread, plan.expiresAt);
  cache.setThread(thread);
  return thread;
}

/**
 * Takes a thread of which nothing was found for new, unless more is known of it. The first write to
 * it makes its record. If there was one all the same, the write is refused, and looks.
 */
export function presumeNew(
  { cache, settings }: Pick<SaverContext, "cache" | "settings">,
  threadId: string,
): void {
  if (cache.getThread(threadId) !== undefined) return;
  const expiresAt = computeExpiry(settings.ttl, Date.now());
  cache.setThread({ threadId, epoch: 0, expiresAt });
}

/** Whether documents with this expiry are as good as gone. */
export function isExpired(expiresAt: Date | undefined): boolean {
  // Damage may have put anything in its place; whoever reads the document names it.
  return expiresAt instanceof Date && expiresAt.getTime() <= Date.now();
}
