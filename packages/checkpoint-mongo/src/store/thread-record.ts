import type { Filter } from "mongodb";
import type { ThreadDocument, ThreadPart } from "../documents/documents.ts";
import { hashLife } from "../integrity/hashes.ts";
import { oneOf } from "./one-of.ts";
import type { Store } from "./store.ts";

/** Who alone may write to a thread for a while. */
export interface ThreadHold {
  /** Tells the holder from earlier ones: each later holder has a higher one. */
  readonly token: number;
  /** By the server's clock. */
  readonly untilMs: number;
  readonly heldFor: NonNullable<ThreadDocument["held_for"]>;
}

/** Whose write it is: the token of a holder; null if it has none; "any" if it may come at any time. */
export type WriterToken = number | null | "any";

/** What every write to a thread must know of it. */
export interface ThreadState {
  readonly threadId: string;
  /** Which life of the thread it is; each `deleteThread` begins the next. */
  readonly epoch: number;
  readonly expiresAt: Date | undefined;
  /** Overrides the TTL of the saver: seconds, or "pinned" for a thread that stays. */
  readonly retention?: ThreadDocument["retention"] | undefined;
  /** Names the last removal of checkpoints; undefined for none. Writes that take no place in an order need not know. */
  readonly removal?: string | undefined;
}

/** What a thread's record says: its state, and who holds it. */
export interface OpenedThread extends ThreadState {
  readonly hold?: ThreadHold | undefined;
}

/**
 * A thread's record stays this much longer than the thread, and this long after a deletion. It tells
 * what is left of a life from the next one, and refuses those who still write to it.
 */
const OUTLIVES_MS = 24 * 60 * 60 * 1_000;

/** When the server may remove the record of a thread that expires, or was deleted, at a moment. */
export function outlive(expiresAt: Date): Date {
  return new Date(expiresAt.getTime() + OUTLIVES_MS);
}

/** What a record says of the life that its thread is in. */
export function toLife(
  threadId: string,
  epoch: number,
): Pick<ThreadDocument, "epoch"> & Partial<Pick<ThreadDocument, "life">> {
  return epoch === 0 ? { epoch } : { epoch, life: hashLife(threadId, epoch) };
}

/** Finds the record of a thread. */
export function matchRecord(threadId: string): Filter<ThreadDocument> {
  return { kind: "thread", thread_id: threadId };
}

/** Finds the record of a thread if it is in this state. */
export function matchThread({ threadId, epoch, expiresAt }: ThreadState): Filter<ThreadDocument> {
  // For no expiry, null also matches a record without the field. An upsert that makes the record could
  // not use `$exists`.
  return { ...matchRecord(threadId), epoch, expires_at: expiresAt ? outlive(expiresAt) : null };
}

function toExpiry(recorded: unknown): Date | undefined {
  return recorded instanceof Date ? new Date(recorded.getTime() - OUTLIVES_MS) : undefined;
}

/** Nobody holds a thread for longer, unless it is renewed. */
export const MAX_HOLD_MS = 3_600_000;

/** The clock that a hold was given by may have been ahead by so much. */
const CLOCK_SLACK_MS = 60_000;

/**
 * Whether a moment lies too far ahead: nobody was given the thread for so long. It is damage, or the clock of the
 * server was wrong.
 *
 * @param longestMs for how long it was given at most
 */
export function isTooFarAhead(untilMs: number, nowMs: number, longestMs: number): boolean {
  return untilMs - nowMs > longestMs + CLOCK_SLACK_MS;
}

/** Who holds a thread, if somebody does. */
export function readHold({
  holder,
  held_until: until,
  held_for: heldFor = "lease",
}: ThreadDocument): ThreadHold | undefined {
  return holder === undefined || holder === null
    ? undefined
    : { token: holder, untilMs: until?.getTime() ?? 0, heldFor };
}

/** Finds the record of a thread unless somebody else holds it. */
export function matchHolder(token: WriterToken): Filter<ThreadDocument> {
  // An upsert that makes the record could not use `$exists`.
  return token === "any" ? {} : { holder: token };
}

/** What a record says of its thread. */
export function readState({
  thread_id,
  epoch,
  expires_at,
  retention,
  removal,
}: ThreadDocument): ThreadState {
  return {
    threadId: thread_id,
    epoch,
    expiresAt: toExpiry(expires_at),
    ...(retention !== undefined && { retention }),
    ...(removal != null && { removal }),
  };
}

/** When a thread was to expire before its expiry was changed, the latest last; undefined for never. */
export function listFormerExpiries({
  former_expiries: former = [],
}: ThreadDocument): readonly (Date | undefined)[] {
  return former.map((date) => toExpiry(date));
}

/** Whether a thread is in the same life and expires at the same time. */
export function isSameState(
  a: Omit<ThreadState, "threadId">,
  b: Omit<ThreadState, "threadId">,
): boolean {
  return a.epoch === b.epoch && a.expiresAt?.getTime() === b.expiresAt?.getTime();
}

export async function findRecord(
  { threads }: Pick<Store, "threads">,
  threadId: string,
): Promise<ThreadDocument | undefined> {
  // Damage may have made another document call itself the record.
  const found = await threads.find(matchRecord(threadId)).toArray();
  return found.find(({ _id }) => _id === threadId);
}

/** Finds the records of several threads, by the threads' ids. */
export async function findRecords(
  { threads }: Pick<Store, "threads">,
  threadIds: readonly string[],
): Promise<ReadonlyMap<string, ThreadDocument>> {
  if (threadIds.length === 0) return new Map();
  const all = await threads.find({ kind: "thread", thread_id: oneOf(threadIds) }).toArray();
  const found = all.filter(({ _id, thread_id }) => _id === thread_id);
  return new Map(found.map((record) => [record.thread_id, record]));
}

/**
 * Whether a document belongs to the life that its thread is in. Where there is no record, nothing says
 * otherwise.
 */
export function isOfLife(
  { epoch = 0 }: Pick<ThreadPart, "epoch">,
  record: ThreadDocument | undefined,
): boolean {
  return record === undefined || (record.deleted_at === undefined && record.epoch === epoch);
}

/**
 * Whether the thread of a document has expired: if both its record and the document say so. One past
 * date alone was never given to the thread, and is no reason to lose it. While the date is being
 * changed, the thread has expired as soon as any of its documents may have been removed.
 */
export function hasExpired(
  { expires_at: expiresAt }: Pick<ThreadPart, "expires_at">,
  record: ThreadDocument | undefined,
  nowMs: number,
): boolean {
  if (record === undefined) return isPast(expiresAt, nowMs);
  if (!isOver(record, nowMs)) return false;
  return isExtending(record) || isPast(expiresAt, nowMs);
}

/** Whether a thread is there: neither deleted nor expired, as far as its record tells. */
export function isAlive(record: ThreadDocument, nowMs: number): boolean {
  return record.deleted_at === undefined && !isOver(record, nowMs);
}

/** Whether a thread has expired as far as its record tells. */
export function isOver(record: ThreadDocument, nowMs: number): boolean {
  return isPast(readState(record).expiresAt, nowMs) || isPast(record.extending, nowMs);
}

/** Whether a change of a thread's expiry was begun and not finished. */
export function isExtending({ extending }: Pick<ThreadDocument, "extending">): boolean {
  return extending !== undefined && extending !== null;
}

function isPast(date: unknown, nowMs: number): boolean {
  return date instanceof Date && date.getTime() <= nowMs;
}
