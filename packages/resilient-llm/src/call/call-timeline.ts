import {
  AllCandidatesFailedError,
  createCallError,
  type ModelCallError,
  type PartialAnswer,
  StreamInterruptedError,
} from "../errors/model-call-error.ts";
import type { Failure } from "../failure/failure.ts";
import type { AttemptOutcome } from "../attempt/attempt-outcome.ts";
import type { AttemptRecord } from "../failure/attempt-record.ts";
import type { PreparedAttempt } from "../attempt/prepared-attempt.ts";

function describeFailure({ kind, message, status }: Failure): Partial<AttemptRecord> {
  return status === undefined ? { kind, message } : { kind, message, status };
}

/** What has happened in a call so far, and the errors that tell it. */
export class CallTimeline {
  readonly #startedAtMs: number;
  #records: AttemptRecord[] = [];
  /** Number of the attempt that ended last. */
  #latest = 0;

  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs;
  }

  /** In the order in which the attempts were made, not in which they ended. */
  get records(): readonly AttemptRecord[] {
    return this.#records;
  }

  add(
    { number, candidate, startedAtMs }: PreparedAttempt,
    outcome: AttemptOutcome<unknown>,
    costUsd: number | undefined,
  ): void {
    const record: AttemptRecord = {
      attempt: number,
      candidate: candidate.name,
      baseUrl: candidate.endpoint.baseUrl,
      startedAfterMs: startedAtMs - this.#startedAtMs,
      durationMs: outcome.durationMs,
      outcome: outcome.status,
      usage: outcome.usage,
      costUsd,
    };
    this.#records.push(
      outcome.status === "failed" ? { ...record, ...describeFailure(outcome.failure) } : record,
    );
    // Of two attempts at a time the later one may end first.
    if (record.attempt < this.#latest) {
      this.#records = this.#records.toSorted((left, right) => left.attempt - right.attempt);
    }
    this.#latest = record.attempt;
  }

  /** Notes what was done about the attempt that ended last. */
  noteNext(next: string): void {
    const index = this.#records.findIndex((record) => record.attempt === this.#latest);
    const record = this.#records[index];
    if (record) this.#records[index] = { ...record, next };
  }

  /**
   * The error of a call that is given up.
   *
   * @param sole The deciding failure says it all, whatever others said before: a wrong request, say.
   */
  createError(
    failure: Failure,
    stoppedBecause: string,
    sole: boolean,
    partial: PartialAnswer | undefined,
  ): ModelCallError {
    this.noteNext(`give up: ${stoppedBecause}`);
    const details = { failure, attempts: this.#records, stoppedBecause, partial };
    const candidates = new Set(this.#records.map((record) => record.candidate));
    return candidates.size > 1 && !sole
      ? new AllCandidatesFailedError(details)
      : createCallError(details);
  }

  /** The error of a stream that broke off and isn't to be taken up again. */
  createInterruption(failure: Failure, partial: PartialAnswer): StreamInterruptedError {
    this.noteNext("give up: the stream had begun");
    return new StreamInterruptedError({
      failure,
      attempts: this.#records,
      stoppedBecause: 'part of the answer was already handed out and streamRecovery is "error"',
      partial,
    });
  }
}
