import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Filter } from "mongodb";
import type { PlaceInLine, ThreadDocument } from "../documents/documents.ts";
import type { Store } from "./store.ts";
import {
  findRecord,
  isTooFarAhead,
  matchRecord,
  MAX_HOLD_MS,
  readHold,
  type ThreadHold,
} from "./thread-record.ts";

// Who alone may write to a thread for a while. The fences of all writes ask for the holder, so it costs no
// command. Whoever comes while there is one waits in a line, and goes first who came first.

/** What a thread is held for: a lease of the user's, or the turn of one call that others kept getting ahead of. */
export type HoldPurpose = ThreadHold["heldFor"];

/** How a thread is to be held. */
export interface HoldRequest {
  readonly heldFor: HoldPurpose;
  /** For how long, unless it is renewed. */
  readonly ttlMs: number;
  /** How long to wait for it. */
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Whoever waits and has not looked for so long has died. */
const PLACE_TTL_MS = 10_000;

/** Who does not wait for a lease waits so long for turns of others. */
const MAX_OVERTIME_MS = 15_000;

/** Between two looks of the first in line, and how much longer others wait for each place before them. */
const FIRST_LOOK_MS = 25;
const LOOK_PER_PLACE_MS = 15;
const MAX_LOOK_MS = 250;

/**
 * Gets a thread to be held by this caller alone, after those who have been waiting for longer.
 *
 * @returns who holds it when the time is over; undefined if the thread has no record
 * @throws the signal's reason if it is aborted
 */
export async function takeHold(
  store: Store,
  threadId: string,
  { heldFor, ttlMs, waitMs, signal }: HoldRequest,
): Promise<{ readonly own: ThreadHold } | { readonly other: ThreadHold } | undefined> {
  const endMs = performance.now() + waitMs;
  const ticket = randomBytes(9).toString("base64url");
  let placeUntilMs = 0;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const record = await findRecord(store, threadId);
      if (record === undefined) return undefined;
      const { line = [] } = record;
      const place = line.findIndex((waiting) => waiting.ticket === ticket);
      const ahead = line.slice(0, place === -1 ? undefined : place);
      const nowMs = store.estimateTime();
      const held = readHold(record);
      if (ahead.length === 0 && (held === undefined || (await isOverdue(store, held)))) {
        const own = await tryHold(store, record, { ticket, heldFor, ttlMs });
        if (own !== undefined) {
          placeUntilMs = 0;
          return { own };
        }
        continue;
      }
      if (ahead.some(({ until }) => isDead(until, nowMs))) await dropDead(store, threadId);
      const leftMs = endMs - performance.now();
      // Others' turns are over soon. Their leases may last for long, and no single write waits for that.
      const overtimeMs = heldFor === "lease" && held?.heldFor === "turn" ? MAX_OVERTIME_MS : 0;
      const isHopeless = heldFor === "turn" && held?.heldFor === "lease";
      if (isHopeless || leftMs <= -overtimeMs) {
        if (held !== undefined) return { other: held };
        // Others are in the line, and nobody holds it just now.
        return { other: { token: record.last_token ?? 0, untilMs: nowMs, heldFor } };
      }
      if (placeUntilMs - nowMs < PLACE_TTL_MS / 2 || place === -1) {
        placeUntilMs = nowMs + PLACE_TTL_MS;
        await keepPlace(store, threadId, { ticket, until: new Date(placeUntilMs) }, place !== -1);
      }
      const boundMs = Math.min(MAX_LOOK_MS, FIRST_LOOK_MS + LOOK_PER_PLACE_MS * ahead.length);
      const waitedMs = boundMs * (0.5 + Math.random() / 2);
      const lookInMs = leftMs > 0 ? Math.min(waitedMs, leftMs) : waitedMs;
      // An abort ends the wait, and is thrown at the next look.
      await sleep(lookInMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    if (placeUntilMs > 0) await leaveLine(store, threadId, ticket);
  }
}

/** Keeps a thread held for so long from now on. False if it is another's by now. */
export async function renewHold(
  store: Store,
  threadId: string,
  token: number,
  ttlMs: number,
): Promise<boolean> {
  const { matchedCount } = await store.threads.updateOne(
    { ...matchRecord(threadId), holder: token },
    { $set: { held_until: new Date(store.estimateTime() + ttlMs) } },
  );
  return matchedCount > 0;
}

/** Lets others hold a thread. False if it was not held under this token any more. */
export async function endHold(
  { threads }: Pick<Store, "threads">,
  threadId: string,
  token: number,
): Promise<boolean> {
  const { matchedCount } = await threads.updateOne(
    { ...matchRecord(threadId), holder: token },
    { $unset: { holder: "", held_until: "", held_for: "" } },
  );
  return matchedCount > 0;
}

/**
 * Whether a hold has not been renewed in time, by the server's clock. One that lasts for longer than anybody was
 * given a thread counts as overdue, too: a damaged date keeps nobody out for ever. If somebody has it after all, the
 * next holder's token refuses what that one writes.
 */
export async function isOverdue(
  store: Pick<Store, "estimateTime" | "askTime">,
  { untilMs }: ThreadHold,
): Promise<boolean> {
  const isOver = (nowMs: number) => untilMs <= nowMs || isTooFarAhead(untilMs, nowMs, MAX_HOLD_MS);
  // What the clock of this process says is confirmed before anything is taken from anybody.
  return isOver(store.estimateTime()) && isOver(await store.askTime());
}

/** Whether whoever waits has not looked for too long, or never could have had a place for so long. */
function isDead(until: Date, nowMs: number): boolean {
  const untilMs = until.getTime();
  return untilMs <= nowMs || isTooFarAhead(untilMs, nowMs, PLACE_TTL_MS);
}

/** @returns undefined if somebody else was faster */
async function tryHold(
  store: Store,
  record: ThreadDocument,
  { ticket, heldFor, ttlMs }: Pick<HoldRequest, "heldFor" | "ttlMs"> & { readonly ticket: string },
): Promise<ThreadHold | undefined> {
  const nowMs = store.estimateTime();
  // Higher than all before it, also those of a record that has been removed since.
  const token = Math.max((record.last_token ?? 0) + 1, Math.floor(nowMs));
  const untilMs = Math.ceil(nowMs + ttlMs);
  const unchanged = {
    ...matchRecord(record.thread_id),
    holder: record.holder ?? null,
    last_token: record.last_token ?? null,
  } as Filter<ThreadDocument>;
  const { matchedCount } = await store.threads.updateOne(unchanged, {
    $set: { holder: token, held_until: new Date(untilMs), held_for: heldFor, last_token: token },
    $pull: { line: { ticket } },
  });
  return matchedCount === 0 ? undefined : { token, untilMs, heldFor };
}

/** Gets in line at its end, or says that the place is still wanted. */
async function keepPlace(
  { threads }: Store,
  threadId: string,
  place: PlaceInLine,
  isInLine: boolean,
): Promise<void> {
  const record = matchRecord(threadId);
  if (isInLine) {
    const filter = { ...record, "line.ticket": place.ticket };
    await threads.updateOne(filter, { $set: { "line.$.until": place.until } });
  } else {
    await threads.updateOne(record, { $push: { line: place } });
  }
}

async function leaveLine({ threads }: Store, threadId: string, ticket: string): Promise<void> {
  await threads.updateOne(matchRecord(threadId), { $pull: { line: { ticket } } });
}

async function dropDead(store: Store, threadId: string): Promise<void> {
  const record = await findRecord(store, threadId);
  const nowMs = await store.askTime();
  const dead = (record?.line ?? []).filter(({ until }) => isDead(until, nowMs));
  // By what was read: one that is kept meanwhile has another time.
  for (const { ticket, until } of dead) {
    await store.threads.updateOne(matchRecord(threadId), { $pull: { line: { ticket, until } } });
  }
}
