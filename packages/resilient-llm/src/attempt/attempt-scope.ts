import type { EndpointDescription } from "../failure/classify-provider-error.ts";
import type { Failure, TimeoutPhase } from "../failure/failure.ts";
import type { Clock } from "../time/clock.ts";
import { WireFailure } from "../wire/wire-failure.ts";

/** Time limits of one attempt, in ms. `Infinity` switches one off. */
export interface AttemptLimits {
  /** Until the response's headers are there (streams only). */
  readonly connectMs: number;
  /** Until the first content arrives (streams only). */
  readonly firstTokenMs: number;
  /** Between two pieces of content (streams only). */
  readonly idleMs: number;
  /** For the whole attempt. */
  readonly totalMs: number;
}

const phaseNames: Readonly<Record<TimeoutPhase, string>> = {
  connect: "no response headers",
  "first-token": "no first token",
  idle: "no further content",
  total: "no complete answer",
};

const phaseLimits = {
  connect: "connectMs",
  "first-token": "firstTokenMs",
  idle: "idleMs",
  total: "totalMs",
} as const satisfies Record<TimeoutPhase, keyof AttemptLimits>;

/**
 * Lifetime of one attempt: its abort signal, and the time limits that trip it.
 *
 * Aborts when the caller's signal aborts (with the same reason) or a limit runs out (with a
 * {@link WireFailure}). `close` must be called in the end; it removes timers and listeners and aborts
 * whatever is still running.
 */
export class AttemptScope {
  readonly startedAtMs: number;
  readonly #clock: Clock;
  readonly #limits: AttemptLimits;
  readonly #endpoint: EndpointDescription;
  readonly #controller = new AbortController();
  #stopListening: (() => void) | undefined;
  #phase: TimeoutPhase;
  #phaseStartedAtMs: number;
  #pausedAtMs: number | undefined;
  #pausedMs = 0;
  #cancelTimer: (() => void) | undefined;
  #rejectPending: ((reason: unknown) => void) | undefined;
  #failure: Failure | undefined;

  constructor(options: {
    readonly clock: Clock;
    readonly limits: AttemptLimits;
    readonly endpoint: EndpointDescription;
    readonly firstPhase: TimeoutPhase;
    readonly outer: AbortSignal | undefined;
  }) {
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#endpoint = options.endpoint;
    this.#phase = options.firstPhase;
    this.startedAtMs = this.#clock.now();
    this.#phaseStartedAtMs = this.startedAtMs;
    if (options.outer) this.#listenTo(options.outer);
    this.#arm(this.startedAtMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The limit that ran out, as a failure. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** The headers are there: from now on the first token is awaited. */
  reachHeaders(): void {
    if (this.#phase === "connect") this.#enter("first-token");
  }

  /** Content arrived: from now on the next piece is awaited. */
  reachContent(): void {
    if (this.#phase === "idle") this.#phaseStartedAtMs = this.#clock.now();
    else if (this.#phase !== "total") this.#enter("idle");
  }

  /** The consumer holds a chunk; its time isn't the provider's. */
  pause(): void {
    this.#pausedAtMs = this.#clock.now();
  }

  /** The consumer is back for more. */
  resume(): void {
    if (this.#pausedAtMs === undefined) return;
    const paused = this.#clock.now() - this.#pausedAtMs;
    this.#pausedMs += paused;
    this.#phaseStartedAtMs += paused;
    this.#pausedAtMs = undefined;
  }

  /**
   * Settles like `promise`, or rejects as soon as the scope aborts, whichever comes first. One call
   * at a time. Not `Promise.race` against one long-lived promise: that would collect a reaction per
   * chunk.
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
   * Ends the attempt. Whatever still runs is aborted, unless the answer is complete: then nothing
   * runs, and an abort would cost more than the rest of the bookkeeping together.
   */
  close(complete: boolean): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#stopListening?.();
    if (!complete && !this.signal.aborted) this.#controller.abort();
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
    this.#phaseStartedAtMs = this.#clock.now();
    // A later limit may end sooner than the one the timer is set for.
    this.#arm(this.#phaseStartedAtMs);
  }

  #nextDeadline(): {
    readonly phase: TimeoutPhase;
    readonly atMs: number;
    readonly limitMs: number;
  } {
    const totalAt = this.startedAtMs + this.#pausedMs + this.#limits.totalMs;
    const limitMs = this.#limits[phaseLimits[this.#phase]];
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
    // One timer for all limits; content only moves the deadline, so a fast stream sets no timers.
    this.#cancelTimer = this.#clock.setTimer(() => this.#check(), atMs - nowMs);
  }

  #check(): void {
    this.#bookPause();
    const { phase, atMs, limitMs } = this.#nextDeadline();
    const nowMs = this.#clock.now();
    if (nowMs < atMs || this.#pausedAtMs !== undefined) {
      this.#arm(nowMs);
      return;
    }
    const { model, baseUrl } = this.#endpoint;
    this.#failure = {
      kind: "timeout",
      phase,
      message: `${model} at ${baseUrl}: ${phaseNames[phase]} within ${Math.round(limitMs)} ms (${phase} timeout)`,
      nextStep: `If the model is just slow, raise timeout.${phaseLimits[phase]}.`,
    };
    this.#abort(new WireFailure(this.#failure));
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
