import { CircuitState, CountBreaker } from "cockatiel";
import type { BreakerOptions } from "../options/resilient-chat-model-options.ts";
import type { BreakerState } from "../events/events.ts";
import { computeTrialPauseMs } from "../retry/trial-pause.ts";

/**
 * Circuit breaker of one endpoint and model.
 *
 * cockatiel's `CountBreaker` decides when to open. Its policy around that is not used: it reads the
 * machine's clock, runs the call itself, which does not fit a stream, and queues callers during a
 * probe, where this package asks the next candidate.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  readonly #onChange: (state: BreakerState) => void;
  #counter: CountBreaker;
  #openedAtMs: number | undefined;
  /** From the opening to the next probe, in ms. */
  #pauseMs = 0;
  #probing = false;

  constructor(options: BreakerOptions, onChange: (state: BreakerState) => void) {
    this.#options = options;
    this.#onChange = onChange;
    this.#counter = this.#createCounter();
  }

  /** When it opened, in ms since the epoch. `undefined`: it is closed. */
  get openedAtMs(): number | undefined {
    return this.#openedAtMs;
  }

  /** When the next attempt may be made, in ms since the epoch: 0 if closed, `Infinity` during a probe. */
  get probeDueAtMs(): number {
    if (this.#openedAtMs === undefined) return 0;
    return this.#probing ? Infinity : this.#openedAtMs + this.#pauseMs;
  }

  /** Whether an attempt may be made now: it is closed, or a probe is due that nobody makes. */
  permits(nowMs: number): boolean {
    return nowMs >= this.probeDueAtMs;
  }

  /**
   * An attempt begins. If the breaker is open and nobody probes, it is the probe, even before one is
   * due. Returns whether it is. That is to be handed back when the attempt ends.
   */
  begin(): boolean {
    if (this.#openedAtMs === undefined || this.#probing) return false;
    this.#probing = true;
    this.#onChange("half-open");
    return true;
  }

  /** The endpoint answered. */
  succeed(): void {
    if (this.#openedAtMs === undefined) {
      this.#counter.success(CircuitState.Closed);
      return;
    }
    this.#openedAtMs = undefined;
    this.#probing = false;
    this.#counter = this.#createCounter();
    this.#onChange("closed");
  }

  /**
   * The endpoint failed in a way that speaks against its health.
   *
   * @param failedAfterMs How long the attempt took. One that failed quickly is soon followed by a probe.
   */
  fail(nowMs: number, isProbe: boolean, failedAfterMs: number): void {
    // Attempts that began before it opened say nothing new. A failed probe starts the time again.
    const opens =
      this.#openedAtMs === undefined ? this.#counter.failure(CircuitState.Closed) : isProbe;
    if (opens) this.#open(nowMs, computeTrialPauseMs(failedAfterMs, this.#options.openMs));
  }

  /** The attempt ended without saying anything about the endpoint. */
  release(isProbe: boolean): void {
    if (isProbe) this.#probing = false;
  }

  #open(nowMs: number, pauseMs: number): void {
    this.#probing = false;
    this.#pauseMs = pauseMs;
    this.#openedAtMs = nowMs;
    this.#onChange("open");
  }

  #createCounter(): CountBreaker {
    const { threshold, windowSize, minimumAttempts } = this.#options;
    return new CountBreaker({
      threshold,
      size: windowSize,
      minimumNumberOfCalls: minimumAttempts,
    });
  }
}
