import { inspect } from "node:util";
import type { ThreadDocument } from "../documents/index.ts";
import { CorruptCheckpointError, type Corruption } from "../errors/index.ts";
import { readThreadRecord, type ThreadRecord } from "../store/index.ts";
import { isExpired } from "./threads.ts";

/** What a document says of the thread it is of. */
interface ThreadPart {
  readonly epoch?: unknown;
  readonly expires_at?: unknown;
}

/** What of a thread holds for all of its documents: its life and its expiry, as its record says. */
export class ThreadInForce {
  readonly threadId: string;
  /** Undefined if it is damaged or missing. */
  readonly record: ThreadRecord | undefined;
  /** What is wrong with the record. */
  readonly faults: readonly Corruption[];
  /** Whether there is a record, but not as it was written. */
  readonly isDamaged: boolean;

  private constructor(
    threadId: string,
    record: ThreadRecord | undefined,
    faults: readonly Corruption[],
    isDamaged: boolean,
  ) {
    this.threadId = threadId;
    this.record = record;
    this.faults = faults;
    this.isDamaged = isDamaged;
  }

  /** @param documents all that lie where the thread's record should, or call themselves so */
  static read(threadId: string, documents: readonly ThreadDocument[]): ThreadInForce {
    let record: ThreadRecord | undefined;
    const faults: Corruption[] = [];
    for (const document of documents) {
      try {
        record = readThreadRecord(document, threadId);
      } catch (error) {
        if (!CorruptCheckpointError.isInstance(error)) throw error;
        const which = `its record (_id ${inspect(document._id, { depth: 0 })})`;
        faults.push({ ...error.corruption, which });
      }
    }
    if (record === undefined && faults.length === 0) {
      const which = "its record";
      faults.push({ document: "thread", which, expected: "it to exist", found: "nothing" });
    }
    return new ThreadInForce(threadId, record, faults, documents.length > 0 && faults.length > 0);
  }

  /**
   * Whether a document goes with its thread: with a life of it that is deleted, or with its expiry. One
   * that the record does not fit stays to be looked at, since the damage may be in the record.
   */
  isOnItsWayOut({ epoch = 0, expires_at: expiresAt }: ThreadPart): boolean {
    const { record } = this;
    // The server may remove the record first.
    if (record === undefined) return !this.isDamaged && isExpired(expiresAt as Date | undefined);
    if (record.deletedAt !== undefined) return typeof epoch === "number" && epoch < record.epoch;
    return isExpired(record.expiresAt) && isSame(expiresAt, record.expiresAt);
  }

  /** What is wrong with the life and the expiry of one of the thread's documents. */
  *check(
    { epoch = 0, expires_at: expiresAt }: ThreadPart,
    document: Pick<Corruption, "document" | "which">,
  ): Generator<Corruption> {
    const { record } = this;
    if (record === undefined) return;
    if (epoch !== record.epoch) {
      const expected = `${record.epoch}, the life that the thread is in`;
      yield { ...document, field: "epoch", expected, found: inspect(epoch, { depth: 0 }) };
    }
    // While the expiry is changed, some have the earlier one.
    if (record.isExtending || isSame(expiresAt, record.expiresAt)) return;
    const expected = `${record.expiresAt?.toISOString() ?? "nothing"}, as the thread's record says`;
    yield { ...document, field: "expires_at", expected, found: inspect(expiresAt, { depth: 0 }) };
  }
}

function isSame(found: unknown, expiresAt: Date | undefined): boolean {
  return found instanceof Date
    ? found.getTime() === expiresAt?.getTime()
    : found === undefined && expiresAt === undefined;
}

/** Whether a thread's records are the same as before. */
export function compareRecords(
  before: readonly ThreadDocument[],
  now: readonly ThreadDocument[],
): boolean {
  return inspect(before) === inspect(now);
}
