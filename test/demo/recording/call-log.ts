import { EventEmitter, on } from "node:events";
import type { CallOutcome, ModelCall } from "./model-call.ts";

/** The request log: every call to the model, in order. Emits `change` with the call that changed. */
export class CallLog extends EventEmitter<{ change: [ModelCall] }> {
  readonly #calls: ModelCall[] = [];

  /** All calls so far, oldest first. */
  get calls(): readonly ModelCall[] {
    return this.#calls;
  }

  /** The calls that have not ended yet. */
  get inFlight(): readonly ModelCall[] {
    return this.#calls.filter(({ outcome }) => outcome === "in flight");
  }

  /**
   * Resolves when no call is in flight.
   *
   * @param signal - Ends the wait, with an `AbortError`.
   */
  async settled(signal: AbortSignal): Promise<void> {
    const changes = on(this, "change", { signal });
    while (this.inFlight.length > 0) await changes.next();
    await changes.return?.();
  }

  /** Notes a call that has come in. */
  open(call: Omit<ModelCall, "id" | "outcome" | "askedAt">): ModelCall {
    return this.#set({
      ...call,
      id: this.#calls.length + 1,
      askedAt: Date.now(),
      outcome: "in flight",
    });
  }

  /** Notes the status with which the answer to a call begins, and the pause it asks for. */
  begin(id: number, status: number, pauseMs?: number): void {
    this.#set({ ...this.#get(id), status, ...(pauseMs !== undefined && { pauseMs }) });
  }

  /** Notes how a call ended. Only the first ending counts. */
  close(id: number, outcome: Exclude<CallOutcome, "in flight">): void {
    const call = this.#get(id);
    if (call.outcome === "in flight") this.#set({ ...call, outcome, endedAt: Date.now() });
  }

  #get(id: number): ModelCall {
    const call = this.#calls[id - 1];
    if (!call) throw new RangeError(`The request log has no call ${id}.`);
    return call;
  }

  #set(call: ModelCall): ModelCall {
    this.#calls[call.id - 1] = call;
    this.emit("change", call);
    return call;
  }
}
