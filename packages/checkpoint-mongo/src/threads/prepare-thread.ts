import type { SaverContext } from "../context/context.ts";
import type { SaverSettings } from "../context/options.ts";
import { ChangeRounds } from "../store/change-rounds.ts";
import { FencedThread } from "../store/fenced-thread.ts";
import { changeExpiry, openThread, type ChooseExpiry } from "../store/thread-lifecycle.ts";
import type { OpenedThread, ThreadState, WriterToken } from "../store/thread-record.ts";
import { HoldPassage } from "./pass-hold.ts";
import { computeExpiry, isMoveDue, type Retention } from "./plan-expiry.ts";

/**
 * Another process may move the expiry at the same time, to less than this one would. And while it is
 * moved, so much time may pass that it has to be moved again.
 */
const MOVES = 2;

/** What took a time may take longer the next time. */
const LEAD_FACTOR = 2;

/** What is needed to choose when a thread expires. */
type ExpiryContext = Pick<SaverContext, "store" | "settings">;

/**
 * Gets a thread ready to be written to: opens it if this process does not know it, and moves its
 * expiry if that is due. While others hold it, it waits for its turn, but not for the end of a lease.
 *
 * @param leadMs how long it takes from now until the write reaches the server. It is refused if others
 *   move the expiry before that. So a call that was too slow once moves the expiry further ahead, and
 *   nobody has to move it meanwhile: of many slow writers, all get through
 * @throws WriteConflictError if others keep changing the thread until the call's deadline
 * @throws LeaseLostError if the call is part of a lease that has ended
 * @throws ThreadLeasedError if another worker has a lease
 */
export async function prepareThread(
  context: SaverContext,
  threadId: string,
  leadMs = 0,
): Promise<FencedThread> {
  const passage = new HoldPassage(context, threadId);
  return open(context, threadId, { leadMs, token: context.hold?.token ?? null, passage });
}

/** Opens a thread whose checkpoints are not changed, whoever holds it, and moves its expiry if that is due. */
export function refreshThread(context: SaverContext, threadId: string): Promise<FencedThread> {
  return open(context, threadId, { leadMs: 0, token: "any", passage: undefined });
}

interface Opening {
  readonly leadMs: number;
  readonly token: WriterToken;
  /** Undefined if it does not matter who holds the thread. */
  readonly passage: HoldPassage | undefined;
}

async function open(
  context: SaverContext,
  threadId: string,
  { leadMs, token, passage }: Opening,
): Promise<FencedThread> {
  const { store, cache, settings, deadline } = context;
  // A save may have waited for long, or the machine slept, since the saver's call began.
  await store.syncTime();
  let ownLeadMs = leadMs;
  let state: OpenedThread | undefined = cache.getThread(threadId);
  while (state === undefined || isPast(state.expiresAt, store.estimateTime())) {
    // Whether it has expired is for the server to say.
    const chooseExpiry = chooseExpiryBy(context, ownLeadMs);
    const opened = await cache.openOnce(threadId, () =>
      openThread(store, threadId, chooseExpiry, new ChangeRounds(threadId, "open", deadline)),
    );
    if (passage !== undefined && !(await passage.pass(opened.hold))) continue;
    state = opened;
    break;
  }
  const rounds = new ChangeRounds(threadId, "open", deadline);
  for (let move = 0; move < MOVES; move += 1) {
    const { retention: own } = state;
    const retention = readRetention(settings, own);
    if (!isMoveDue(retention, state.expiresAt, store.estimateTime(), ownLeadMs)) break;
    const startedMs = performance.now();
    const chooseExpiry = chooseExpiryBy(context, ownLeadMs, own);
    state = await changeExpiry(store, state, chooseExpiry, rounds, token);
    // If it takes longer than the slack, every write would have to move it.
    ownLeadMs = Math.max(ownLeadMs, LEAD_FACTOR * (performance.now() - startedMs));
  }
  const { hold: _hold, ...known } = state;
  cache.setThread(known);
  return new FencedThread(store, known, token);
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
 * @param leadMs see {@link prepareThread}
 * @param own what overrides the saver's TTL
 */
export function chooseExpiryBy(
  { store, settings }: ExpiryContext,
  leadMs = 0,
  own?: ThreadState["retention"],
): ChooseExpiry {
  const retention = readRetention(settings, own);
  return () => computeExpiry(retention, store.estimateTime(), leadMs);
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
