import { inspect } from "node:util";
import type { ThreadDocument, ThreadPart } from "../documents/documents.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import {
  type Corruption,
  type NamedDocument,
  asMissing,
  asWrongField,
} from "../errors/corruption.ts";
import { assertRecord } from "../store/assert-record.ts";
import {
  hasExpired,
  isExtending,
  isTooFarAhead,
  listFormerExpiries,
  MAX_HOLD_MS,
  readHold,
  readState,
} from "../store/thread-record.ts";

/** What holds for all documents of a thread, as its record says: its life and its expiry. */
export class ThreadInForce {
  readonly threadId: string;
  /** Undefined if it is damaged or missing. */
  readonly record: ThreadDocument | undefined;
  /** What is wrong with the record. */
  readonly faults: readonly Corruption[];
  /** Whether there is a record, but not as it was written. */
  readonly isDamaged: boolean;
  /** By the server's clock. */
  readonly #nowMs: number;

  /**
   * @param documents all that lie where the thread's record should, or call themselves so
   * @param nowMs by the server's clock, before they were read: what had expired by then still is
   */
  constructor(threadId: string, documents: readonly ThreadDocument[], nowMs: number) {
    this.threadId = threadId;
    this.#nowMs = nowMs;
    let record: ThreadDocument | undefined;
    const faults: Corruption[] = [];
    for (const document of documents) {
      try {
        assertRecord(document, threadId);
        record = document;
        const hold = findStrayHold(document, nowMs);
        if (hold !== undefined) faults.push(hold);
      } catch (error) {
        if (!CorruptCheckpointError.isInstance(error)) throw error;
        const which = `its record (_id ${inspect(document._id, { depth: 0 })})`;
        faults.push({ ...error.corruption, which });
      }
    }
    if (record === undefined && faults.length === 0) {
      const which = "its record";
      faults.push({ document: "thread", which, ...asMissing() });
    }
    this.record = record;
    this.faults = faults;
    this.isDamaged = documents.length > 0 && faults.length > 0;
  }

  /**
   * Whether a document is about to be removed, because a life of its thread has ended or the thread has
   * expired. A document that the record does not fit is verified, since the damage may be in the
   * record.
   */
  isOnItsWayOut(document: ThreadPart): boolean {
    const { record } = this;
    // The server may remove the record first.
    if (record === undefined)
      return !this.isDamaged && hasExpired(document, undefined, this.#nowMs);
    // A copy is whole, or nobody sees it.
    if (record.copying !== undefined) return true;
    const epoch: unknown = document.epoch ?? 0;
    if (Number.isSafeInteger(epoch) && (epoch as number) < record.epoch) return true;
    // It arrives from an archive, and nobody sees it yet.
    if (epoch === record.arriving?.life && epoch !== record.epoch) return true;
    return hasExpired(document, record, this.#nowMs);
  }

  /**
   * Whether a document is of a life that the thread has not had: no read sees it.
   *
   * @returns what is wrong with it, if so
   */
  findInvented({ epoch = 0 }: ThreadPart, document: NamedDocument): Corruption | undefined {
    const { record } = this;
    if (record === undefined) return undefined;
    // A life that comes after a deletion begins with the record.
    if (epoch === record.epoch && record.deleted_at === undefined) return undefined;
    const expected = `${record.epoch}, the life that the thread is in`;
    const found = inspect(epoch, { depth: 0 });
    return { ...document, ...asWrongField({ field: "epoch", expected, found }) };
  }

  /**
   * What is wrong with the expiry of one of the thread's documents. It may be an earlier one of the thread: a
   * document that was just being stored when the expiry was changed is stored again, or was never acknowledged.
   * Whoever builds upon it moves it.
   */
  findStrayExpiry(
    { expires_at: expiry }: ThreadPart,
    document: NamedDocument,
  ): Corruption | undefined {
    const { record } = this;
    // While the expiry is changed, some have the earlier one.
    if (record === undefined || isExtending(record)) return undefined;
    const { expiresAt } = readState(record);
    if (
      isSame(expiry, expiresAt) ||
      listFormerExpiries(record).some((one) => isSame(expiry, one))
    ) {
      return undefined;
    }
    const expected = `${expiresAt?.toISOString() ?? "nothing"}, as the thread's record says`;
    const found = inspect(expiry, { depth: 0 });
    return { ...document, ...asWrongField({ field: "expires_at", expected, found }) };
  }
}

/** What is wrong with the end of a hold. */
function findStrayHold(record: ThreadDocument, nowMs: number): Corruption | undefined {
  const hold = readHold(record);
  if (hold === undefined || !isTooFarAhead(hold.untilMs, nowMs, MAX_HOLD_MS)) return undefined;
  const expected = `at most ${MAX_HOLD_MS / 1_000} s from now, the longest time of a lease`;
  const found = inspect(record.held_until, { depth: 0 });
  const fault = asWrongField({ field: "held_until", expected, found });
  return { document: "thread", which: "its record", ...fault };
}

function isSame(found: unknown, expiresAt: Date | undefined): boolean {
  return found instanceof Date
    ? found.getTime() === expiresAt?.getTime()
    : found === undefined && expiresAt === undefined;
}
