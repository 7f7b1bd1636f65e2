/** Which call of a program an entry is about. */
export interface JournalKey {
  /** The hash of everything below. Entries are found by it. */
  readonly id: string;
  /** The thread that the entry belongs to and is deleted with. */
  readonly threadId: string;
  /** The namespace of the running node, with the tasks of the graphs around it. `""` outside of LangGraph. */
  readonly namespace: string;
  /** The checkpoint that the running node was started from. `""` outside of LangGraph. */
  readonly checkpointId: string;
  /** The task: of LangGraph, or as named by the call option `journal`. */
  readonly taskId: string;
  /** The place of the call among the calls of the task that ask the same, from 0. */
  readonly ordinal: number;
  /** The hash of the models, the messages, the tools and all parameters that shape an answer. */
  readonly requestHash: string;
}

/** How an entry was written last. */
export type JournalEntryKind =
  /** The request is about to be made. */
  | "before_call"
  /** The answer is coming. */
  | "periodic"
  /** The answer broke off: by an error, an abort or SIGTERM. */
  | "emergency"
  /** The answer is complete. */
  | "after_call";

/** A piece of the text of an answer that is coming. */
export interface JournalPiece {
  /** What follows the text of the pieces before it. */
  readonly text: string;
  /** The name of the candidate that said it. */
  readonly candidate: string;
  /** The attempt that said it, by the id under which a ledger knows it. */
  readonly attempt: string;
  /** The hash over the entry's id, all pieces before it, and this one. */
  readonly hash: string;
}

/** A response that the provider makes in the background, and from which the answer can be picked up. */
export interface JournalResponse {
  /** The provider's id of it. */
  readonly id: string;
  /** The name of the candidate that makes it. */
  readonly candidate: string;
  /** The hash over the entry's id, the candidate and the id. */
  readonly hash: string;
}

/** An answer that is complete. */
export interface JournalAnswer {
  /** The answer as JSON. Its form is the package's own. */
  readonly json: string;
  /** The hash over the entry's id and the text. */
  readonly hash: string;
}

/** What is stored of a call. */
export interface JournalEntry {
  /** How it was written last. */
  readonly kind: JournalEntryKind;
  /** The text so far, in order. */
  readonly pieces: readonly JournalPiece[];
  /** How many of the pieces, from the first one on, have been booked as cost. */
  readonly bookedPieces: number;
  /** The response that the provider makes in the background, if it does. */
  readonly response?: JournalResponse | undefined;
  /** The whole answer. Only in an entry of the kind `after_call`. */
  readonly answer: JournalAnswer | undefined;
}

/** An entry, and which call it is about. */
export interface KeyedEntry {
  /** The call. */
  readonly key: JournalKey;
  /** What is stored of it. */
  readonly entry: JournalEntry;
}

/** Who writes an entry, and for how long nobody else may. */
export interface JournalClaim {
  /** Unique per call and process. */
  readonly owner: string;
  /** Milliseconds for which the entry is the owner's from now on, by the clock of the storage. */
  readonly leaseMs: number;
}

/** What was found when a call's entry was opened. */
export type OpenedEntry =
  /** The entry is the owner's now. It holds what was stored before, if anything was. */
  | { readonly status: "claimed"; readonly entry: JournalEntry | undefined }
  /** There is an answer. */
  | { readonly status: "answered"; readonly entry: JournalEntry }
  /** Somebody else asks, and has the entry for so many milliseconds more. */
  | { readonly status: "busy"; readonly leaseLeftMs: number };

/** What is written into an entry. */
export type JournalWrite =
  /** Forgets text and response so far: the answer starts over. */
  | { readonly kind: "before_call" }
  /** Adds pieces, possibly none, takes the place of the response, and renews the lease. */
  | {
      readonly kind: "periodic";
      readonly pieces: readonly JournalPiece[];
      readonly bookedPieces: number;
      readonly response?: JournalResponse | undefined;
    }
  /** The same, and ends the lease: whoever claims the entry next may go on. Until then the owner may. */
  | {
      readonly kind: "emergency";
      readonly pieces: readonly JournalPiece[];
      readonly bookedPieces: number;
      readonly response?: JournalResponse | undefined;
    }
  /** Stores the answer in place of pieces and response, and ends the lease. */
  | { readonly kind: "after_call"; readonly answer: JournalAnswer };

/**
 * Keeps what model calls have been answered, so that no answer is paid for twice. There is one in memory, for
 * tests and single processes, and one on MongoDB. A journal of your own keeps what it is given and needs to
 * know nothing of its meaning: hashes are made and verified by the model.
 */
export interface CallJournal {
  /**
   * Opens the entry of a call. Of several callers at once, one claims it.
   *
   * @param options.takesAnswered the entry is claimed even if there is an answer, because that is of no use.
   * The entry is then empty.
   */
  open(
    key: JournalKey,
    claim: JournalClaim,
    options: { readonly takesAnswered: boolean },
  ): Promise<OpenedEntry>;
  /** Writes into an entry. Returns whether it is still the owner's. If not, nothing is written. */
  write(key: JournalKey, claim: JournalClaim, write: JournalWrite): Promise<boolean>;
  /** Deletes the entries of a thread. */
  deleteThread(threadId: string): Promise<void>;
  /** The entries of a thread, in any order. Only a replay of stored threads needs it. */
  readThread?(threadId: string): AsyncIterable<KeyedEntry>;
}
