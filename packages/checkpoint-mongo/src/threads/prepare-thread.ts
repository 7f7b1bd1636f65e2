import type { SaverContext } from "../context/context.ts";
import type { SaverSettings } from "../context/options.ts";
import { FencedThread } from "../store/fenced-thread.ts";
import { changeExpiry, openThread, type ChooseExpiry } from "../store/thread-lifecycle.ts";
import type { ThreadState } from "../store/thread-record.ts";
import { computeExpiry, isMoveDue, type Retention } from "./plan-expiry.ts";

/** Another process may move the expiry at the same time, to less than this one would. */
const MOVES = 2;

/** What is needed to choose when a thread expires. */
type ExpiryContext = Pick<SaverContext, "store" | "settings">;

/**
 * Gets a thread ready to be written to: opens it if this process does not know it, and moves its
 * expiry if that is due.
 */
export async function prepareThread(
  context: SaverContext,
  threadId: string,
): Promise<FencedThread> {
  const { store, cache, settings } = context;
  // A save may have waited for long, or the machine slept, since the saver's call began.
  await store.syncTime();
  const chooseExpiry = chooseExpiryBy(context);
  let state = cache.getThread(threadId);
  if (state === undefined || isPast(state.expiresAt, store.estimateTime())) {
    // Whether it has expired is for the server to say.
    state = await cache.openOnce(threadId, () => openThread(store, threadId, chooseExpiry));
  }
  for (let move = 0; move < MOVES; move += 1) {
    const retention = readRetention(settings, state.retention);
    if (!isMoveDue(retention, state.expiresAt, store.estimateTime())) break;
    state = await changeExpiry(store, state, chooseExpiryBy(context, state.retention));
  }
  cache.setThread(state);
  return new FencedThread(store, state);
}

/**
 * Takes a thread for new, because nothing of it was found, unless more is known of it. The first write
 * to it makes its record. If there is a record after all, that write is refused, and opens the thread.
 *
 * @param epoch the life that it begins
 */
export function presumeNew(
  context: ExpiryContext & Pick<SaverContext, "cache">,
  threadId: string,
  epoch = 0,
): void {
  const { cache } = context;
  if (cache.getThread(threadId) !== undefined) return;
  cache.setThread({ threadId, epoch, expiresAt: chooseExpiryBy(context)() });
}

/**
 * Gives a function that says when a thread expires that is written to now.
 *
 * @param own what overrides the saver's TTL
 */
export function chooseExpiryBy(
  { store, settings }: ExpiryContext,
  own?: ThreadState["retention"],
): ChooseExpiry {
  const retention = readRetention(settings, own);
  return () => computeExpiry(retention, store.estimateTime());
}

function readRetention(
  { ttl, ttlSlack }: Pick<SaverSettings, "ttl" | "ttlSlack">,
  own: ThreadState["retention"],
): Retention | undefined {
  if (own === "pinned") return undefined;
  const seconds = own ?? ttl;
  return seconds === undefined ? undefined : { ttl: seconds, ttlSlack };
}

function isPast(expiresAt: Date | undefined, nowMs: number): boolean {
  return expiresAt !== undefined && expiresAt.getTime() <= nowMs;
}
