import { z } from "zod";
import type { CallJournal, JournalKey } from "../journal/call-journal.ts";
import type { PartialAnswer } from "../errors/model-call-error.ts";
import { Keeper } from "../keeper/keeper.ts";
import { functionOf, objectWith, positiveCount } from "./value-schemas.ts";

/** The part of an answer that has just been stored. */
export interface JournaledPart extends PartialAnswer {
  /** The call that it belongs to. */
  readonly key: JournalKey;
}

/** Bounds of the keeper. Models with the same bounds share one. */
export interface KeeperOptions {
  /**
   * The folder of its socket and of the file that says where it listens. Only its user may enter it.
   *
   * @default `threadkeep` in `XDG_RUNTIME_DIR`, else `threadkeep-` with the user's number in the folder for
   * temporary files
   */
  readonly folder?: string | undefined;

  /**
   * Milliseconds without anything to do or to keep, after which it ends.
   *
   * @default 60_000
   */
  readonly idleMs?: number | undefined;

  /**
   * Milliseconds that an answer is kept after its end, if nobody comes for it.
   *
   * @default 600_000
   */
  readonly keepMs?: number | undefined;

  /**
   * The most that it holds, in bytes. Above it, the answer that ended first is let go.
   *
   * @default 134_217_728 (128 MiB)
   */
  readonly maxBytes?: number | undefined;

  /**
   * The most requests at once. A further one goes directly.
   *
   * @default 256
   */
  readonly maxRequests?: number | undefined;
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
   * A process of its own, one per machine and user, makes the requests of journaled calls, and reads their answers
   * to the end when this process dies. Whoever makes the call again on this machine gets what has come, and the
   * rest as it comes: nothing is asked for, or paid for, twice. It is started when it is first needed, and ends
   * when it has nothing to do. It holds answers, prompts and keys in memory only. If it cannot be used, the event
   * `keeper-failed` tells of it, and requests go directly.
   *
   * @default false
   */
  readonly keeper?: boolean | KeeperOptions | undefined;

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
  readonly keeper: Keeper | undefined;
  readonly onCheckpoint: ((part: JournaledPart) => void) | undefined;
}

const store = objectWith<CallJournal>("open", "write", "deleteThread");

/** It looks four times in this time whether it is still needed. */
const SHORTEST_IDLE_MS = 100;

/** A shorter lease would end between two beats of a busy process. */
const SHORTEST_LEASE_MS = 100;

const keeperOptions = z.strictObject({
  folder: z.string().min(1).optional(),
  idleMs: z.number().min(SHORTEST_IDLE_MS).default(60_000),
  keepMs: z.number().positive().default(600_000),
  maxBytes: positiveCount.default(134_217_728),
  maxRequests: positiveCount.default(256),
});

function createKeeper(settings: boolean | z.infer<typeof keeperOptions>): Keeper | undefined {
  if (settings === false) return undefined;
  const { folder, ...bounds } = settings === true ? keeperOptions.parse({}) : settings;
  return new Keeper({ folder, ...bounds });
}

const options = z.strictObject({
  store,
  everyTokens: positiveCount.default(50),
  everyMs: z.number().positive().default(500),
  leaseMs: z.number().min(SHORTEST_LEASE_MS).default(5_000),
  timeoutMs: z.number().positive().default(2_000),
  maxAnswerBytes: positiveCount.default(8_388_608),
  keeper: z.union([z.boolean(), keeperOptions]).default(false),
  onCheckpoint: functionOf<(part: JournaledPart) => void>().optional(),
});

function isStore(value: unknown): value is CallJournal {
  return store.safeParse(value).success;
}

/** A journal by itself, or options with one. */
export const journal: z.ZodType<ResolvedJournal> = z
  .preprocess((value) => (isStore(value) ? { store: value } : value), options)
  .transform((resolved) => ({
    ...resolved,
    keeper: createKeeper(resolved.keeper),
    onCheckpoint: resolved.onCheckpoint,
  }));
