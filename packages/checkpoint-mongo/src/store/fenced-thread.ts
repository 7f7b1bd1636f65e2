import type { Document, Filter, UpdateFilter } from "mongodb";
import type { ThreadDocument, ThreadPart } from "../documents/documents.ts";
import type { Chain, ChainOutcome, ChainUpdate } from "./chain.ts";
import type { Submission } from "./group-commit.ts";
import type { Store } from "./store.ts";
import { beginMove, endMove, type StandingMove } from "./thread-entry.ts";
import {
  matchHolder,
  matchThread,
  toLife,
  type ThreadState,
  type WriterToken,
} from "./thread-record.ts";

/** Before and after what others an operation is carried out. */
export interface SubmitOptions {
  /** What must come before. If it meets a conflict, that is a conflict of this, too. */
  readonly after?: readonly Submission[];
  /** Is called as soon as others can be sent to come after. */
  readonly onSubmitted?: ((submission: Submission) => void) | undefined;
  /** An interrupt or an error that is among the updates. */
  readonly move?: StandingMove | undefined;
  /** Whether the first checkpoint of the root graph is: it says from then on where the thread stands. */
  readonly isFirst?: boolean | undefined;
  /**
   * Whether a place in the order of a namespace is taken: it is a conflict if checkpoints were removed since the
   * thread's state was read.
   */
  readonly takesPlace?: boolean | undefined;
  /** The name of a removal that is among the updates, or follows. */
  readonly removal?: string | undefined;
}

/** The operators of an update; see {@link FencedThread.claim}. */
export interface ThreadClaim {
  readonly $set: Readonly<Record<string, unknown>>;
  readonly $max: Readonly<Record<string, unknown>>;
  readonly $unset: Readonly<Record<string, "">>;
}

/**
 * A thread as this process knows it, in the store that it lies in. What is written to it is written
 * only while the thread is in this state.
 */
export class FencedThread {
  readonly store: Store;
  readonly state: ThreadState;
  readonly #token: WriterToken;

  /** @param token of the writer: what it writes is a conflict if somebody else holds the thread */
  constructor(store: Store, state: ThreadState, token: WriterToken) {
    this.store = store;
    this.state = state;
    this.#token = token;
  }

  get threadId(): string {
    return this.state.threadId;
  }

  /** Which life of the thread it is. */
  get epoch(): number {
    return this.state.epoch;
  }

  /** When the thread expires; undefined for never. */
  get expiresAt(): Date | undefined {
    return this.state.expiresAt;
  }

  /**
   * Carries out updates in order, but only while the thread is in this state: with another life, another
   * expiry or another holder it is a conflict. If the thread changes meanwhile, what was stored belongs to its
   * earlier state, and the caller has to store it again.
   */
  async write(
    updates: Chain,
    { after, onSubmitted, move, isFirst = false, takesPlace = false, removal }: SubmitOptions = {},
  ): Promise<ChainOutcome> {
    const { encryption } = this.store;
    // No wait without encryption, or with the key at hand.
    const sealed = encryption?.sealUpdates(this.threadId, this.epoch, updates) ?? updates;
    const { removal: former = null } = this.state;
    const created = { created_at: new Date(this.store.estimateTime()) };
    const chain = [
      this.#fence(
        { ...matchHolder(this.#token), ...(takesPlace && { removal: former }) },
        { ...(move && beginMove(move)), ...(removal !== undefined && { $set: { removal } }) },
        created,
      ),
      ...(sealed instanceof Promise ? await sealed : sealed),
      this.#fence(
        {
          // One who holds nothing is done by now. A holder has to hold the thread to the end.
          ...matchHolder(this.#token ?? "any"),
          ...(takesPlace && { removal: removal ?? former }),
        },
        {
          ...(move && endMove(move)),
          ...(isFirst && { $unset: { head: "", stands: "" } }),
        },
      ),
    ];
    const submission = await this.store.commits.submit(chain, after);
    onSubmitted?.(submission);
    const outcome = await submission.outcome;
    // Without the opening fence.
    return { ...outcome, inserted: new Set(Array.from(outcome.inserted, (index) => index - 1)) };
  }

  /** The fields of a new document of this life of the thread. */
  get part(): Pick<ThreadPart, "epoch" | "expires_at"> {
    const { epoch, expiresAt } = this.state;
    return {
      ...(epoch > 0 && { epoch }),
      ...(expiresAt !== undefined && { expires_at: expiresAt }),
    };
  }

  /**
   * The part of an update that makes a document one of this life of the thread, whether it is new or
   * was there before.
   *
   * It never takes the expiry back. Another process may move it ahead, in all documents, after this chain's
   * opening fence. If this process then ended before it could repeat the chain, a document that others
   * refer to would expire before them.
   */
  claim(): ThreadClaim {
    const { epoch, expiresAt } = this.state;
    return {
      $set: epoch > 0 ? { epoch } : {},
      $max: expiresAt === undefined ? {} : { expires_at: expiresAt },
      $unset: {
        ...(epoch === 0 && { epoch: "" as const }),
        ...(expiresAt === undefined && { expires_at: "" as const }),
      },
    };
  }

  /**
   * An update that fails, and so ends its chain, if the thread has another life or another expiry by now, or is not
   * as it is asked for: its upsert then collides with the thread's own record. Where there is no record, it makes
   * one: a thread that is new needs no command of its own. Otherwise it changes nothing but what is given.
   *
   * @param asked what else must hold of the record
   */
  #fence(
    asked: Readonly<Record<string, unknown>>,
    change: UpdateFilter<Document> = {},
    created: Partial<ThreadDocument> = {},
  ): ChainUpdate {
    const { threadId, epoch } = this.state;
    // The epoch itself is in the filter.
    const { life } = toLife(threadId, epoch);
    const named: Pick<ThreadDocument, "life"> = life === undefined ? {} : { life };
    return {
      // A change of the expiry that is under way is finished first, by whoever opens the thread.
      filter: {
        ...matchThread(this.state),
        ...asked,
        extending: null,
      } as Filter<Document>,
      update: {
        ...change,
        $setOnInsert: { _id: threadId, ...named, ...created },
      },
      upsert: true,
    };
  }
}
