/** One action that somebody asked the company's systems to take. */
export interface LedgerEntry {
  /** Milliseconds since the epoch. */
  at: number;
  /** Given by who asked. The same order has the same key when it is repeated. */
  key: string;
  action: string;
  args: Record<string, unknown>;
  result: string;
}

/**
 * Everything the agent did to the outside world, in order. It only grows. An order that comes twice
 * leaves two entries, so a step that ran again shows.
 */
export class ActionLedger {
  readonly #entries: LedgerEntry[] = [];

  append(entry: LedgerEntry): void {
    this.#entries.push(entry);
  }

  /** All entries so far, oldest first. */
  get entries(): readonly LedgerEntry[] {
    return this.#entries;
  }
}
