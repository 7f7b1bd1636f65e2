/** What a call gives that a process does not live to make. */
class ProcessEndedError extends Error {
  override readonly name = "ProcessEndedError";

  constructor() {
    super("The process has ended.");
  }
}

/** Ends a process, as far as its saver is concerned: from some call on, none comes through. */
export class Lifeline {
  /** Calls that came through, for whoever wants to know how far the process got. */
  readonly calls: string[] = [];
  private readonly underWay = new Set<Promise<unknown>>();
  private readonly maxCalls: number;

  constructor(maxCalls = Infinity) {
    this.maxCalls = maxCalls;
  }

  get isDead(): boolean {
    return this.calls.length >= this.maxCalls;
  }

  async pass<T>(name: string, call: () => Promise<T>): Promise<T> {
    if (this.isDead) throw new ProcessEndedError();
    this.calls.push(name);
    const outcome = call();
    this.underWay.add(outcome);
    try {
      return await outcome;
    } finally {
      this.underWay.delete(outcome);
    }
  }

  /** Waits for the calls that came through. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.underWay);
  }
}
