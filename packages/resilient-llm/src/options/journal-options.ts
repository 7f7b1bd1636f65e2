import { z } from "zod";
import type { CallJournal, JournalKey } from "../journal/call-journal.ts";
import type { PartialAnswer } from "../errors/model-call-error.ts";
import { functionOf, objectWith, positiveCount } from "./value-schemas.ts";

/** The part of an answer that has just been stored. */
export interface JournaledPart extends PartialAnswer {
  /** The call that it belongs to. */
  readonly key: JournalKey;
}

/** A journal, and how it is written. */
export interface JournalOptions {
  /** Where entries are kept. */
  readonly store: CallJournal;

  /**
   * A part of an answer is stored when about so many tokens have come since the last part.
   *
   * @default 50
   */
  readonly everyTokens?: number | undefined;

  /**
   * A part of an answer is stored when so many milliseconds have passed since the last part.
   *
   * @default 500
   */
  readonly everyMs?: number | undefined;

  /**
   * Milliseconds for which a call is its process's own. The process renews them as long as it lives. After a
   * crash, another process waits for the rest of them before it makes the call.
   *
   * @default 5_000
   */
  readonly leaseMs?: number | undefined;

  /**
   * Milliseconds that a call waits for the journal. A journal that is slower, or fails, makes no call fail: the
   * event `journal-failed` tells of it, and the call goes on without.
   *
   * @default 2_000
   */
  readonly timeoutMs?: number | undefined;

  /**
   * The largest answer that is stored, in bytes. MongoDB has room for 16 MB.
   *
   * @default 8_388_608 (8 MiB)
   */
  readonly maxAnswerBytes?: number | undefined;

  /**
   * Called after each part of an answer that was stored. What it throws becomes a warning of the process.
   *
   * @default undefined
   */
  readonly onCheckpoint?: ((part: JournaledPart) => void) | undefined;
}

/** Journal options with every default filled in. */
export interface ResolvedJournal {
  readonly store: CallJournal;
  readonly everyTokens: number;
  readonly everyMs: number;
  readonly leaseMs: number;
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
  readonly onCheckpoint: ((part: JournaledPart) => void) | undefined;
}

const store = objectWith<CallJournal>("open", "write", "deleteThread");

/** A shorter lease would end between two beats of a busy process. */
const SHORTEST_LEASE_MS = 100;

const options = z.strictObject({
  store,
  everyTokens: positiveCount.default(50),
  everyMs: z.number().positive().default(500),
  leaseMs: z.number().min(SHORTEST_LEASE_MS).default(5_000),
  timeoutMs: z.number().positive().default(2_000),
  maxAnswerBytes: positiveCount.default(8_388_608),
  onCheckpoint: functionOf<(part: JournaledPart) => void>().optional(),
});

function isStore(value: unknown): value is CallJournal {
  return store.safeParse(value).success;
}

/** A journal by itself, or options with one. */
export const journal: z.ZodType<ResolvedJournal> = z
  .preprocess((value) => (isStore(value) ? { store: value } : value), options)
  .transform((resolved) => ({ ...resolved, onCheckpoint: resolved.onCheckpoint }));
