import type { Candidate } from "../candidate/candidate.ts";
import type { RawUsage } from "../cost/find-usage.ts";
import { classifyError } from "../failure/classify-error.ts";
import type { EndpointDescription } from "../failure/endpoint-description.ts";
import type { Failure, TimeoutPhase } from "../failure/failure.ts";
import type { SimulatedFaultMark } from "../failure/simulated-fault-kind.ts";
import type { Clock } from "../time/clock.ts";
import { type AnswerKeeping, NothingToPickUp } from "../wire/answer-keeping.ts";
import { WireFailure } from "../wire/wire-failure.ts";
import type { CollectedAnswer, WireWatch } from "../wire/wire-watch.ts";
import type { AttemptInterruption } from "./attempt-outcome.ts";
import type { PreparedAttempt } from "./prepared-attempt.ts";
import { LIMIT_OF_PHASE, MISSING_IN_PHASE, type TimeLimits } from "./time-limits.ts";

/** Without a watch nobody sees the headers come, and without a stream they come with the answer. */
function firstPhaseOf(streaming: boolean, isWatched: boolean): TimeoutPhase {
  if (!streaming) return "total";
  return isWatched ? "connect" : "first-token";
}

/**
 * Lifetime of one attempt: its abort signal, the time limits that trip it, and what ended it.
 *
 * Aborts when the caller's signal aborts (with the same reason) or a limit runs out (with a
 * {@link WireFailure}). `close` must be called in the end. It removes timers and listeners and aborts
 * what is still running.
 */
export class AttemptScope implements WireWatch {
  readonly endpoint: EndpointDescription;
  readonly streaming: boolean;
  readonly prefersStream: boolean;
  readonly clock: Clock;
  readonly maxResponseBytes: number;
  readonly startedAtMs: number;
  readonly keeping: AnswerKeeping | undefined;
  /** Headers of the response, once they are there. */
  headers?: Headers;
  /** The body of an answer that came as a whole. */
  body?: string;
  /** The usage that a stream has reported so far, as the provider sent it. */
  usage?: RawUsage;
  /** Why the model does not answer, in its own words. */
  refusal?: string;
  /** A whole answer that comes as a stream, as far as it has come. */
  collected?: CollectedAnswer;
  /** The fault that the option `simulateFaults` put in the way of the request. */
  simulatedFault?: SimulatedFaultMark;
  /**
   * What went wrong, as first noticed by a time limit or the wire. It says more than the
   * error that then comes out of the model.
   */
  failure?: Failure;
  readonly #candidate: Candidate;
  readonly #limits: TimeLimits;
  readonly #outer: AbortSignal | undefined;
  readonly #onPartial: PreparedAttempt["onPartial"];
  readonly #controller = new AbortController();
  #stopListening: (() => void) | undefined;
  #phase: TimeoutPhase;
  #phaseStartedAtMs: number;
  #firstContentAtMs: number | undefined;
  #pausedAtMs: number | undefined;
  #pausedMs = 0;
  #cancelTimer: (() => void) | undefined;
  #rejectPending: ((reason: unknown) => void) | undefined;

  /** @param outer The caller's signal. */
  constructor(attempt: PreparedAttempt, outer: AbortSignal | undefined) {
    const { endpoint, inner } = attempt.candidate;
    this.#candidate = attempt.candidate;
    this.endpoint = endpoint;
    // A model that does not stream is asked for a whole answer.
    this.streaming = attempt.streaming && inner.canStream;
    this.prefersStream = attempt.prefersStream && !this.streaming;
    this.clock = attempt.clock;
    this.maxResponseBytes = attempt.maxResponseBytes;
    this.keeping = attempt.keeping;
    this.#limits = attempt.limits;
    this.#outer = outer;
    this.#onPartial = attempt.onPartial;
    this.#phase = firstPhaseOf(this.streaming, inner.isWatched);
    this.startedAtMs = this.clock.now();
    this.#phaseStartedAtMs = this.startedAtMs;
    if (outer) this.#listenTo(outer);
    this.#arm(this.startedAtMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Time until the first content, in ms. */
  get firstTokenMs(): number | undefined {
    const atMs = this.#firstContentAtMs;
    return atMs === undefined ? undefined : atMs - this.startedAtMs;
  }

  /** What has ended the attempt: the caller's signal or a failure. */
  get interruption(): AttemptInterruption<never> | undefined {
    if (this.#outer?.aborted) return { status: "aborted", reason: this.#outer.reason };
    // It says nothing about the candidate, which was not asked for an answer.
    if (this.keeping?.isLost) return { status: "aborted", reason: new NothingToPickUp() };
    return this.failure && { status: "failed", failure: this.failure };
  }

  /** What has ended an attempt that threw `error`. */
  explain(error: unknown): AttemptInterruption<never> {
    return (
      this.interruption ?? {
        status: "failed",
        failure: classifyError(error, this.endpoint, this.clock.now()),
      }
    );
  }

  /** The whole answer comes as a stream: silence shows long before the limit for all of it. */
  onStreamAsked(): void {
    this.#enter("connect");
  }

  /** Nothing will come before the whole answer. */
  onWhole(): void {
    if (!this.streaming) this.#enter("total");
  }

  /** The headers are there: from now on the first token is awaited. */
  onHeaders(): void {
    if (this.headers) this.#candidate.limitsLeft?.noteHeaders(this.headers, this.clock.now());
    if (this.#phase === "connect") this.#enter("first-token");
  }

  /** Content arrived: from now on the next piece is awaited. */
  onProgress(): void {
    if (this.#phase === "total") return;
    this.#firstContentAtMs ??= this.clock.now();
    if (this.#phase === "idle") this.#phaseStartedAtMs = this.clock.now();
    else this.#enter("idle");
  }

  /** More of a whole answer is there, for whoever wants to know. */
  onCollected(): void {
    if (this.collected) this.#onPartial?.(this.collected.partial);
  }

  /** The consumer holds a chunk. Its time does not count as the provider's. */
  pause(): void {
    this.#pausedAtMs = this.clock.now();
  }

  /** The consumer is back for more. */
  resume(): void {
    if (this.#pausedAtMs === undefined) return;
    const paused = this.clock.now() - this.#pausedAtMs;
    this.#pausedMs += paused;
    this.#phaseStartedAtMs += paused;
    this.#pausedAtMs = undefined;
  }

  /**
   * Settles like `promise`, or rejects when the scope aborts, whichever comes first. One call at a
   * time. Not `Promise.race` against one long-lived promise: that would collect a reaction per chunk.
   */
  race<T>(promise: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.signal.aborted) {
        promise.catch(() => undefined);
        reject(this.signal.reason);
        return;
      }
      this.#rejectPending = reject;
      promise.then(resolve, reject);
    });
  }

  /**
   * Ends the attempt. What still runs is aborted, unless the answer is complete: then nothing runs,
   * and an abort would cost more than all other bookkeeping together.
   */
  close(isComplete: boolean): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#stopListening?.();
    if (!isComplete && !this.signal.aborted) this.#controller.abort();
  }

  #listenTo(outer: AbortSignal): void {
    if (outer.aborted) {
      this.#abort(outer.reason);
      return;
    }
    const onAbort = () => this.#abort(outer.reason);
    outer.addEventListener("abort", onAbort, { once: true });
    this.#stopListening = () => outer.removeEventListener("abort", onAbort);
  }

  #enter(phase: TimeoutPhase): void {
    this.#phase = phase;
    this.#phaseStartedAtMs = this.clock.now();
    // A later limit may end sooner than the one the timer is set for.
    this.#arm(this.#phaseStartedAtMs);
  }

  #nextDeadline(): {
    readonly phase: TimeoutPhase;
    readonly atMs: number;
    readonly limitMs: number;
  } {
    const totalAt = this.startedAtMs + this.#pausedMs + this.#limits.totalMs;
    const limitMs = this.#limits[LIMIT_OF_PHASE[this.#phase]];
    const phaseAt = this.#phaseStartedAtMs + limitMs;
    return this.#phase === "total" || totalAt <= phaseAt
      ? { phase: "total", atMs: totalAt, limitMs: this.#limits.totalMs }
      : { phase: this.#phase, atMs: phaseAt, limitMs };
  }

  #arm(nowMs: number): void {
    this.#cancelTimer?.();
    if (this.signal.aborted) return;
    const { atMs } = this.#nextDeadline();
    if (!Number.isFinite(atMs)) return;
    // One timer for all limits. Content only moves the deadline, so a fast stream sets no timers.
    this.#cancelTimer = this.clock.setTimer(() => this.#check(), atMs - nowMs);
  }

  #check(): void {
    this.#bookPause();
    const { phase, atMs, limitMs } = this.#nextDeadline();
    const nowMs = this.clock.now();
    if (nowMs < atMs || this.#pausedAtMs !== undefined) {
      this.#arm(nowMs);
      return;
    }
    const { model, baseUrl } = this.endpoint;
    this.failure ??= {
      kind: "timeout",
      phase,
      message: `${model} at ${baseUrl}: ${MISSING_IN_PHASE[phase]} within ${Math.round(limitMs)} ms (${phase} timeout)`,
      nextStep: `If the model is just slow, raise timeout.${LIMIT_OF_PHASE[phase]}.`,
    };
    this.#abort(new WireFailure(this.failure));
  }

  /** Books the pause so far, so that the deadlines stay ahead of a consumer that takes its time. */
  #bookPause(): void {
    if (this.#pausedAtMs === undefined) return;
    this.resume();
    this.pause();
  }

  #abort(reason: unknown): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#controller.abort(reason);
    this.#rejectPending?.(reason);
  }
}
