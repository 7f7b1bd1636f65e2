/**
 * Asks a graph to stop after its current superstep: LangGraph's `RunControl`, by what LangGraph reads of it. Its own
 * class is not there before LangGraph 1.6, and a name that is missing cannot be imported.
 */
export class DrainControl {
  #reason: string | undefined;

  get drainRequested(): boolean {
    return this.#reason !== undefined;
  }

  get drainReason(): string | undefined {
    return this.#reason;
  }

  requestDrain(reason = "shutdown"): void {
    this.#reason = reason;
  }
}
