import type { Document, Filter } from "mongodb";
import type { ThreadDocument } from "../documents/documents.ts";
import type { Chain, ChainOutcome, ChainUpdate } from "./chain.ts";
import type { Collections } from "./collections.ts";
import type { Submission } from "./group-commit.ts";
import { matchThread, toLife, type ThreadState } from "./thread-record.ts";

/** In what order with others something is carried out. */
export interface SubmitOptions {
  /** What must come before. If it meets a conflict, that is a conflict of this, too. */
  readonly after?: readonly Submission[];
  /** Is called as soon as others can be sent to come after. */
  readonly onSubmitted?: ((submission: Submission) => void) | undefined;
}

/**
 * Carries out updates in order, but only while the thread is as the caller knows it: with another
 * life or another expiry it is a conflict. If that comes about meanwhile, what was stored belongs to
 * the earlier one, and the caller has to store it again.
 */
export async function writeFenced(
  { commits }: Collections,
  thread: ThreadState,
  updates: Chain,
  { after, onSubmitted }: SubmitOptions = {},
): Promise<ChainOutcome> {
  const submission = await commits.submit([fence(thread), ...updates, fence(thread)], after);
  onSubmitted?.(submission);
  const outcome = await submission.outcome;
  return outcome.kind === "conflict"
    ? outcome
    : { ...outcome, inserted: new Set(Array.from(outcome.inserted, (index) => index - 1)) };
}

/**
 * An update that changes nothing, but fails, and so ends its chain, if the thread has another life
 * or another expiry by now: its upsert then collides with the thread's own record. Where there is no
 * record, it makes one: a thread that is new needs no command of its own.
 */
function fence(state: ThreadState): ChainUpdate {
  return {
    // A change of the expiry that is under way is finished first, by whoever opens the thread.
    filter: { ...matchThread(state), extending: null } as Filter<Document>,
    update: { $setOnInsert: { _id: state.threadId, ...nameLife(state) } },
    upsert: true,
  };
}

/** The epoch itself is in the filter. */
function nameLife({ threadId, epoch }: ThreadState): Pick<ThreadDocument, "life"> {
  const { life } = toLife(threadId, epoch);
  return life === undefined ? {} : { life };
}

/**
 * The part of an update that makes a document one of this life of its thread, whether it is new or
 * was there before.
 */
export function claim({ epoch, expiresAt }: ThreadState): {
  readonly $set: Record<string, unknown>;
  readonly $unset: Record<string, "">;
} {
  return {
    $set: {
      ...(epoch > 0 && { epoch }),
      ...(expiresAt !== undefined && { expires_at: expiresAt }),
    },
    $unset: {
      ...(epoch === 0 && { epoch: "" as const }),
      ...(expiresAt === undefined && { expires_at: "" as const }),
    },
  };
}
