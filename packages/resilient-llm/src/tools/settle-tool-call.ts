import { randomUUID } from "node:crypto";
import type { CallJournal, JournalKey } from "../journal/call-journal.ts";
import { createAnswer } from "../journal/entry-hash.ts";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { systemClock } from "../time/clock.ts";
import { sleep } from "../time/sleep.ts";
import { storeToolResult } from "./stored-result.ts";

/** What a human has found out about a tool that was begun. */
export type ToolOutcome =
  /** It has acted, and this is what it would have returned. */
  | { readonly result: unknown }
  /** It has not acted, and may run. */
  | { readonly runAgain: true };

/** Longer than one command takes. */
const LEASE_MS = 5_000;
const MOMENT_MS = 50;

/**
 * Says to the journal what became of a tool that acts once, after a {@link ToolOutcomeUnknownError}.
 *
 * @param key the `key` of the error
 * @throws InvalidOptionsError if the result cannot be stored, or a process has the call at this moment
 */
export async function settleToolCall(
  journal: CallJournal,
  key: JournalKey,
  outcome: ToolOutcome,
): Promise<void> {
  const json = "result" in outcome ? storeToolResult(outcome.result) : undefined;
  if ("result" in outcome && json === undefined) {
    throw new InvalidOptionsError("settleToolCall: result: expected JSON or a ToolMessage");
  }
  const claim = { owner: randomUUID(), leaseMs: LEASE_MS };
  let opened = await journal.open(key, claim, { takesAnswered: true });
  // Whoever threw the error has given the call back, at this very moment perhaps.
  if (opened.status === "busy" && opened.leaseLeftMs < MOMENT_MS) {
    await sleep(systemClock, MOMENT_MS);
    opened = await journal.open(key, claim, { takesAnswered: true });
  }
  if (opened.status !== "claimed") {
    throw new InvalidOptionsError(
      "settleToolCall: a process has this call at the moment. Wait until its lease is over.",
    );
  }
  await journal.write(
    key,
    claim,
    json === undefined
      ? { kind: "emergency", pieces: [], bookedPieces: 0 }
      : { kind: "after_call", answer: createAnswer(key.id, json) },
  );
}
