import { z } from "zod";
import type { SaverContext } from "../context/context.ts";
import { ThreadNotFoundError } from "../errors/thread-not-found-error.ts";
import { checkOptions } from "../options/check-options.ts";
import { ChangeRounds } from "../store/change-rounds.ts";
import { changeRetention, type NewRetention } from "../store/thread-lifecycle.ts";
import { findRecord, isAlive } from "../store/thread-record.ts";
import { chooseExpiryBy, refreshThread } from "../threads/prepare-thread.ts";

/** How long one thread stays, whatever the `ttl` of the saver is. */
export type ThreadRetention =
  | {
      /** Seconds that the thread stays after its last write, with the saver's `ttlSlack`. */
      readonly ttlSeconds: number;
    }
  | {
      /** The thread stays until it is deleted. */
      readonly pinned: true;
    };

/** A hundred years. What lies too far ahead is no date. */
const MAX_TTL_SECONDS = 100 * 365 * 24 * 60 * 60;

const retentionSchema = z.union(
  [
    z.strictObject({ ttlSeconds: z.number().positive().max(MAX_TTL_SECONDS) }),
    z.strictObject({ pinned: z.literal(true) }),
  ],
  "{ ttlSeconds }, a positive number of seconds, or { pinned: true }, or null",
);

/**
 * Checks a retention.
 *
 * @throws InvalidOptionsError if it is none
 */
export function checkRetention(retention: unknown): NewRetention {
  if (retention === null) return null;
  const checked = checkOptions("setRetention", retentionSchema, retention);
  return "pinned" in checked ? "pinned" : checked.ttlSeconds;
}

/**
 * Sets how long a thread stays, counted from now.
 *
 * @throws ThreadNotFoundError if the thread is not there
 * @throws WriteConflictError if others keep changing when it expires
 */
export async function setRetention(
  context: SaverContext,
  threadId: string,
  retention: NewRetention,
): Promise<void> {
  const { store, cache, deadline } = context;
  const rounds = new ChangeRounds(threadId, "open", deadline);
  for (;;) {
    await rounds.begin();
    const record = await findRecord(store, threadId);
    if (record === undefined || !isAlive(record, store.estimateTime())) {
      throw new ThreadNotFoundError(threadId, "Set its retention once it was written to.");
    }
    // Whatever this process remembers may be out of date.
    cache.forgetThread(threadId);
    const { state } = await refreshThread(context, threadId);
    if (state.epoch !== record.epoch) continue;
    const expiresAt = chooseExpiryBy(context, 0, retention ?? undefined)();
    const changed = await changeRetention(store, state, retention, expiresAt, rounds);
    cache.forgetThread(threadId);
    if (changed !== undefined) return;
  }
}
