/** One action that somebody asked the company's systems to take. */
export interface LedgerEntry {
  /** Milliseconds since the epoch. */
  at: number;
  /**
   * What the action is for, given by who asked: the same order keeps its key when it is repeated.
   */
  key: string;
  action: string;
  args: Record<string, unknown>;
  result: string;
}

/**
 * Everything the agent did to the outside world, in order. It only grows, and lives outside of the
 * process that acts: an order that comes twice leaves two entries, so a step that ran again shows.
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
