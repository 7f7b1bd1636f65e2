import { randomUUID } from "node:crypto";
import type { AttemptOutcome } from "../attempt/attempt-outcome.ts";
import type { PreparedAttempt } from "../attempt/prepared-attempt.ts";
import type { Candidate } from "../candidate/candidate.ts";
import type { TrimResult } from "../context/trim-messages.ts";
import type { CostEntry } from "../cost/cost-account.ts";
import { NO_COST } from "../cost/model-costs.ts";
import { NO_USAGE } from "../cost/token-usage.ts";
import type { AttemptRecord } from "../failure/attempt-record.ts";
import type { Failure } from "../failure/failure.ts";
import type { AttemptReference } from "../events/events.ts";
import type { CallRequest } from "./call-request.ts";
import type { SharedState } from "./shared-state.ts";

function describeFailure({ kind, message, status }: Failure): Partial<AttemptRecord> {
  return status === undefined ? { kind, message } : { kind, message, status };
}

/**
 * Everything that is written down about one call: its timeline, and what its attempts used and cost,
 * in budgets, ledger and events.
 */
export class CallBooks {
  readonly #shared: SharedState;
  readonly #request: Pick<CallRequest, "spender" | "tab">;
  readonly #startedAtMs: number;
  #callId: string | undefined;
  #records: AttemptRecord[] = [];
  /** Number of the attempt that ended last. */
  #latest = 0;

  constructor(
    shared: SharedState,
    request: Pick<CallRequest, "spender" | "tab">,
    startedAtMs: number,
  ) {
    this.#shared = shared;
    this.#request = request;
    this.#startedAtMs = startedAtMs;
  }

  /** Unique per call. Made when it is first asked for, because without listeners nobody does. */
  get callId(): string {
    this.#callId ??= randomUUID();
    return this.#callId;
  }

  /** The timeline, in the order in which the attempts began, not in which they ended. */
  get records(): readonly AttemptRecord[] {
    return this.#records;
  }

  /** An attempt begins. */
  begin(attempt: PreparedAttempt): void {
    const { events } = this.#shared;
    if (!events.hasListeners) return;
    const { streaming } = attempt;
    events.emit({ type: "attempt-started", streaming, ...this.#referTo(attempt) });
  }

  /** Books how an attempt ended, once. */
  finish(attempt: PreparedAttempt, outcome: AttemptOutcome<unknown>): void {
    const { candidate, number, reservation } = attempt;
    const { durationMs, firstTokenMs, usage = NO_USAGE } = outcome;
    const simulated = outcome.simulatedFault && { simulatedFault: outcome.simulatedFault.kind };
    const { usd: costUsd, source: costSource } =
      outcome.usage === undefined ? NO_COST : candidate.costs.costOf(outcome.usage);
    const { costs, events } = this.#shared;
    if (outcome.status === "succeeded") candidate.costs.learn(usage);
    reservation.settle({
      // What nobody knows the cost of counts at its estimate, or a budget would have no end.
      costUsd: costUsd ?? candidate.costs.estimateUsd(usage),
      tokens: usage.inputTokens + usage.outputTokens,
    });
    const { spender, tab } = this.#request;
    const entry: CostEntry = {
      candidate: candidate.name,
      spender,
      usage,
      costUsd,
      costSource,
      outcome: outcome.status,
      opensCall: number === 1,
    };
    costs.book(entry);
    tab?.book({ ...entry, id: attempt.id, model: candidate.model });
    this.#addRecord(
      {
        attempt: number,
        candidate: candidate.name,
        endpoint: candidate.endpointName,
        baseUrl: candidate.endpoint.baseUrl,
        startedAfterMs: attempt.startedAtMs - this.#startedAtMs,
        durationMs,
        outcome: outcome.status,
        usage,
        costUsd,
        costSource,
        ...simulated,
      },
      outcome.status === "failed" ? outcome.failure : undefined,
    );
    if (!events.hasListeners) return;
    const result = {
      ...this.#referTo(attempt),
      durationMs,
      firstTokenMs,
      usage,
      costUsd,
      costSource,
      ...simulated,
    };
    if (outcome.status === "succeeded") {
      events.emit({ type: "attempt-succeeded", ...outcome.facts, ...result });
    } else if (outcome.status === "failed") {
      events.emit({ type: "attempt-failed", failure: outcome.failure, ...result });
    } else {
      events.emit({ type: "attempt-aborted", ...result });
    }
  }

  /** Notes what was done about the attempt that ended last. */
  noteNext(next: string): void {
    const index = this.#records.findIndex((record) => record.attempt === this.#latest);
    const record = this.#records[index];
    if (record) this.#records[index] = { ...record, next };
  }

  /** The candidate of the attempt that failed last is asked again. */
  noteRetry({ name }: Candidate, { waitHintMs }: Failure, delayMs: number): void {
    this.noteNext(`retry in ${Math.round(delayMs)} ms`);
    this.#shared.events.emit({
      type: "retry",
      callId: this.callId,
      candidate: name,
      delayMs,
      hinted: waitHintMs !== undefined,
    });
  }

  /** Another candidate than that of the attempt that failed last is asked. */
  noteFallback(from: Candidate, to: Candidate, because: Failure): void {
    this.noteNext(`fall back to ${to.name}`);
    this.#shared.events.emit({
      type: "fallback",
      callId: this.callId,
      from: from.name,
      to: to.name,
      because,
    });
  }

  /** A second candidate is asked beside one that has been late for `afterMs`. */
  noteHedge(late: Candidate, hedge: Candidate, afterMs: number): void {
    this.#shared.events.emit({
      type: "hedge",
      callId: this.callId,
      late: late.name,
      hedge: hedge.name,
      afterMs,
    });
  }

  /** A candidate asked for a longer pause than is believed. */
  noteBoundedHint({ name }: Candidate, hintMs: number, blockedForMs: number): void {
    this.#shared.events.emit({
      type: "wait-hint-bounded",
      callId: this.callId,
      candidate: name,
      hintMs,
      blockedForMs,
    });
  }

  /** Messages were left out of the prompt. */
  noteTrim({ removedMessages, estimatedTokens }: TrimResult): void {
    this.#shared.events.emit({
      type: "context-trimmed",
      callId: this.callId,
      removedMessages,
      estimatedTokens,
    });
  }

  #addRecord(record: AttemptRecord, failure: Failure | undefined): void {
    this.#records.push(failure ? { ...record, ...describeFailure(failure) } : record);
    // Of two attempts at a time the later one may end first.
    if (record.attempt < this.#latest) {
      this.#records = this.#records.toSorted((left, right) => left.attempt - right.attempt);
    }
    this.#latest = record.attempt;
  }

  /** How events name an attempt. */
  #referTo({ candidate, number }: PreparedAttempt): AttemptReference {
    const { endpointName: endpoint, name, provider } = candidate;
    const { model, baseUrl } = candidate.endpoint;
    const { callId } = this;
    return { callId, attempt: number, candidate: name, model, provider, endpoint, baseUrl };
  }
}
