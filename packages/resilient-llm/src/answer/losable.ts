import type { AttemptOutcome } from "../attempt/attempt-outcome.ts";
import type { Call } from "../call/call.ts";
import type { PreparedAttempt } from "../attempt/prepared-attempt.ts";

/** An attempt that ends with the caller's signal or because another one was quicker. */
export class Losable {
  readonly signal: AbortSignal;
  readonly #call: Call;
  readonly #prepared: PreparedAttempt;
  readonly #controller = new AbortController();
  #lost: { readonly wasLate: boolean } | undefined;
  #finished = false;

  constructor(call: Call, prepared: PreparedAttempt, signal: AbortSignal | undefined) {
    this.#call = call;
    this.#prepared = prepared;
    this.signal = signal
      ? AbortSignal.any([signal, this.#controller.signal])
      : this.#controller.signal;
  }

  /** Ends the attempt, unless it has ended already. */
  lose(wasLate: boolean): void {
    if (this.#finished) return;
    this.#lost = { wasLate };
    this.#controller.abort(new Error("Another candidate answered first"));
  }

  /** Books how it ended. */
  finish(outcome: AttemptOutcome<unknown>): void {
    this.#finished = true;
    if (this.#lost) this.#call.lose(this.#prepared, outcome, this.#lost.wasLate);
    else this.#call.finish(this.#prepared, outcome);
  }
}
