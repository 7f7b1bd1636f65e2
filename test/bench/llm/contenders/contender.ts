/** What the contenders have in common. */
export interface ContenderSettings {
  /** Where both models are. */
  readonly baseURL: string;
  readonly primary: string;
  readonly backup: string;
  /** Time limit for headers where a library has just one; for the first token where it has more. */
  readonly timeoutMs: number;
  /** Longest silence in a stream, for those that can limit it. */
  readonly idleMs: number;
}

/** One way of calling a model with a fallback, as it runs. */
export interface Contender extends AsyncDisposable {
  /** Streams an answer and returns all of its text. */
  ask(question: string): Promise<string>;
}

/** A contender before it runs. */
export interface Entrant {
  readonly name: string;
  /** How people write it in `--without`. */
  readonly id: string;
  /**
   * Brings what is needed onto this machine.
   *
   * @throws Error if this machine cannot have it; the contender is left out then
   */
  readonly prepare?: () => Promise<void>;
  /** Has a process of its own, which would take the processor from the others: measured by itself. */
  readonly runsAlone?: true;
  readonly start: (settings: ContenderSettings) => Promise<Contender>;
}
