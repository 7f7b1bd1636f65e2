import type { ViolationKind, Violation } from "../checker/violation.ts";
import type { Plan } from "../history/history.ts";

/** How long a part of the harness runs. */
export interface Extent {
  readonly seed: number;
  /** It ends when this is over, */
  readonly durationMs: number;
  /** or when there were so many faults. Undefined for as many as there is time for. */
  readonly faults?: number;
}

/** What a part does its work with. */
export interface PartSetting extends Extent {
  /** The server; parts that kill it start their own. */
  readonly uri: string;
  /** Says how far it is. */
  readonly report: (text: string) => void;
}

/** What came of a part. */
export interface PartResult {
  readonly part: Plan["part"];
  readonly seed: number;
  readonly seconds: number;
  /** Of each kind, how many there were. */
  readonly faults: Readonly<Record<string, number>>;
  readonly calls: number;
  readonly acknowledgedCheckpoints: number;
  readonly acknowledgedWrites: number;
  readonly reads: number;
  /** Errors that callers got, by their code or name. */
  readonly errors: Readonly<Record<string, number>>;
  readonly longestCallMs: number;
  readonly violations: readonly Violation[];
  readonly byKind: Readonly<Partial<Record<ViolationKind, number>>>;
  /** Where the history lies; undefined if it shows nothing. */
  readonly directory: string | undefined;
}
