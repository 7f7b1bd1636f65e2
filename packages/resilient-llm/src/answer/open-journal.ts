import { randomUUID } from "node:crypto";
import type { CallRequest } from "../call/call-request.ts";
import type { SharedState } from "../call/shared-state.ts";
import type { JournalEntry, JournalKey, OpenedEntry } from "../journal/call-journal.ts";
import { isSoundAnswer } from "../journal/entry-hash.ts";
import { ReplayedAnswer } from "../journal/journaled-answer.ts";
import type { KeptCall } from "../keeper/keeper-protocol.ts";
import type { ResolvedJournal } from "../options/journal-options.ts";
import { sleep } from "../time/sleep.ts";
import { identifyCall } from "./identify-call.ts";
import { JournaledCall } from "./journaled-call.ts";
import { waitAtMost } from "../journal/wait-at-most.ts";

/** A call that another process makes is looked at again after so many ms, then after twice as long, … */
const FIRST_WAIT_MS = 25;
const LONGEST_WAIT_MS = 500;

/** What the journal says to a call. `undefined`: it is made without a journal. */
export type JournalTurn = JournaledCall | ReplayedAnswer | undefined;

/** The stored answer, if it is sound and what is asked for. */
async function readAnswer(
  id: string,
  { answer }: JournalEntry,
  { check }: CallRequest,
): Promise<ReplayedAnswer | Error> {
  if (!answer || !isSoundAnswer(id, answer)) return new Error("A stored answer is damaged.");
  try {
    const replayed = new ReplayedAnswer(answer.json);
    const problem = await check?.findProblem(replayed.message);
    return problem === undefined ? replayed : new Error(`A stored answer does not fit: ${problem}`);
  } catch (cause) {
    return new Error("A stored answer cannot be read.", { cause });
  }
}

/** What the keeper has of a call that an earlier process has made. */
async function findKept(
  { events }: SharedState,
  { keeper, timeoutMs }: ResolvedJournal,
  key: JournalKey,
): Promise<KeptCall | undefined> {
  if (!keeper) return undefined;
  try {
    return await waitAtMost(keeper.find(key.id), timeoutMs, "The keeper");
  } catch (error) {
    events.emit({ type: "keeper-failed", key, error });
    return undefined;
  }
}

/**
 * Asks the journal for a call: its answer if there is one, after that of another process has been waited for if
 * one makes the same call, or the right to make the call. A journal that fails makes no call fail.
 *
 * @throws the reason of the caller's signal, when it aborts a wait.
 */
export async function openJournal(shared: SharedState, request: CallRequest): Promise<JournalTurn> {
  const { clock, journal } = shared.options;
  const { signal } = request;
  const call = journal && identifyCall(shared, request);
  if (!call) return undefined;
  const { events } = shared;
  const { key, place } = call;
  const claim = { owner: randomUUID(), leaseMs: journal.leaseMs };
  journal.keeper?.prepare();
  let takesAnswered = false;
  let waitMs = FIRST_WAIT_MS;
  for (;;) {
    let opened: OpenedEntry;
    try {
      const opening = journal.store.open(key, claim, { takesAnswered });
      opened = await waitAtMost(opening, journal.timeoutMs);
    } catch (error) {
      events.emit({ type: "journal-failed", key, error });
      return undefined;
    }
    if (opened.status === "claimed") {
      const { entry } = opened;
      // Of a call that nobody has made before, there is nothing to be found.
      const kept = entry && (await findKept(shared, journal, key));
      return new JournaledCall(shared, request, journal, { key, claim, place, entry, kept });
    }
    if (opened.status === "answered") {
      const answer = await readAnswer(key.id, opened.entry, request);
      if (answer instanceof ReplayedAnswer) {
        events.emit({ type: "journal-replayed", key });
        return answer;
      }
      events.emit({ type: "journal-failed", key, error: answer });
      takesAnswered = true;
      continue;
    }
    if (waitMs === FIRST_WAIT_MS) events.emit({ type: "journal-wait", key });
    try {
      await sleep(clock, Math.min(waitMs, opened.leaseLeftMs + 1), signal);
    } catch (error) {
      place.giveBack();
      throw error;
    }
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}
