import type { CostSource } from "../cost/model-costs.ts";
import type { TokenUsage } from "../cost/token-usage.ts";
import type { FailureKind } from "./failure.ts";
import type { SimulatedFaultKind } from "./simulated-fault-kind.ts";

/** One attempt of a call, as a line of its timeline. */
export interface AttemptRecord {
  /** The attempt's number within the call, from 1. */
  readonly attempt: number;
  /** The name of the candidate that was asked. */
  readonly candidate: string;
  /** The endpoint's name as given, else its host. */
  readonly endpoint: string;
  /** The endpoint's address, without passwords and keys. */
  readonly baseUrl: string;
  /** Milliseconds from the start of the call to the start of the attempt. */
  readonly startedAfterMs: number;
  /** Milliseconds from its start to its end. */
  readonly durationMs: number;
  /** How it ended. `aborted`: by the caller, or because another attempt was quicker. */
  readonly outcome: "succeeded" | "failed" | "aborted";
  /** What went wrong; only with `failed`. */
  readonly kind?: FailureKind;
  /** What happened, in one line, keys redacted; only with `failed`. */
  readonly message?: string;
  /** The HTTP status, if there was an answer; only with `failed`. */
  readonly status?: number;
  /** The fault that the option `simulateFaults` put in the way of its request, if it did. */
  readonly simulatedFault?: SimulatedFaultKind;
  /** What was done about it: `retry in 500 ms`, `fall back to gpt-4.1`, `give up: …`. */
  readonly next?: string;
  /** The tokens that it used. */
  readonly usage: TokenUsage;
  /** Its cost in USD; `undefined` if it is not known. */
  readonly costUsd: number | undefined;
  /** Where `costUsd` comes from; `undefined` if it is not known or nothing was used. */
  readonly costSource: CostSource | undefined;
}

/** The timeline as text, one attempt a line, for messages and logs. */
export function formatTimeline(attempts: readonly AttemptRecord[]): string {
  return attempts
    .map((record) => {
      const at = `${String(Math.round(record.startedAfterMs)).padStart(6)} ms`;
      const took = `${Math.round(record.durationMs)} ms`;
      const what =
        record.outcome === "failed" ? `${record.kind}: ${record.message}` : record.outcome;
      return `  ${record.attempt}. ${at}  ${record.candidate} (${took}) ${what}${record.next ? ` -> ${record.next}` : ""}`;
    })
    .join("\n");
}
