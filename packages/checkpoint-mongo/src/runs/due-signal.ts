import { PerClient } from "../driver/per-client.ts";

/** Tells the workers of this process at once what others learn at their next poll. */
export class DueSignal {
  readonly #due = new Set<() => void>();
  readonly #cancelled = new Set<(runId: string) => void>();

  /** Calls a function when a run has become due. */
  onDue(listener: () => void): () => void {
    this.#due.add(listener);
    return () => this.#due.delete(listener);
  }

  /** Calls a function when a run is to be cancelled. */
  onCancel(listener: (runId: string) => void): () => void {
    this.#cancelled.add(listener);
    return () => this.#cancelled.delete(listener);
  }

  due(): void {
    for (const listener of this.#due) listener();
  }

  cancel(runId: string): void {
    for (const listener of this.#cancelled) listener(runId);
  }
}

const signals = new PerClient<DueSignal>();

/** The signal of all runs that go through a client. */
export function shareDueSignal(client: object): DueSignal {
  return signals.get(client, "", () => new DueSignal());
}
