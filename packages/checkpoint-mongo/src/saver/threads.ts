import { computeExpiry, planExpiry, type Retention } from "../retention/plan-expiry.ts";
import { changeExpiry, openThread, type ChooseExpiry } from "../store/thread-lifecycle.ts";
import type { Collections } from "../store/collections.ts";
import type { ThreadState } from "../store/thread-record.ts";
import type { SaverContext } from "./context.ts";
import type { SaverSettings } from "./options.ts";

/** Another process may move the expiry at the same time, to less than this one would. */
const MOVES = 2;

/**
 * Gets a thread ready to be written to: opens it if this process does not know it, and moves its
 * expiry if that is due.
 */
export async function prepareThread(
  { collections, cache, settings }: SaverContext,
  threadId: string,
): Promise<ThreadState> {
  const { clock, db } = collections;
  // A save may have waited for long, or the machine slept, since the saver's call began.
  await clock.sync(db);
  const retention = readRetention(settings);
  const chooseExpiry = chooseExpiryBy(settings, clock);
  let thread = cache.getThread(threadId);
  if (thread === undefined || isPast(thread.expiresAt, clock.nowMs())) {
    // Whether it has expired is for the server to say.
    thread = await cache.openOnce(threadId, () => openThread(collections, threadId, chooseExpiry));
  }
  for (let move = 0; move < MOVES; move += 1) {
    const plan = planExpiry(retention, thread.expiresAt, clock.nowMs());
    if (plan.kind === "keep") break;
    thread = await changeExpiry(collections, thread, chooseExpiry);
  }
  cache.setThread(thread);
  return thread;
}

/**
 * Takes a thread of which nothing was found for new, unless more is known of it. The first write to
 * it makes its record. If there was one all the same, the write is refused, and looks.
 *
 * @param epoch the life that it begins
 */
export function presumeNew(
  { collections, cache, settings }: Pick<SaverContext, "collections" | "cache" | "settings">,
  threadId: string,
  epoch = 0,
): void {
  if (cache.getThread(threadId) !== undefined) return;
  const expiresAt = chooseExpiryBy(settings, collections.clock)();
  cache.setThread({ threadId, epoch, expiresAt });
}

/** Says when a thread expires that is written to now, each time it is asked. */
export function chooseExpiryBy(
  settings: Pick<SaverSettings, "ttl" | "ttlSlack">,
  clock: Pick<Collections["clock"], "nowMs">,
): ChooseExpiry {
  const retention = readRetention(settings);
  return () => computeExpiry(retention, clock.nowMs());
}

function readRetention({
  ttl,
  ttlSlack,
}: Pick<SaverSettings, "ttl" | "ttlSlack">): Retention | undefined {
  return ttl === undefined ? undefined : { ttl, ttlSlack };
}

function isPast(expiresAt: Date | undefined, nowMs: number): boolean {
  return expiresAt !== undefined && expiresAt.getTime() <= nowMs;
}
