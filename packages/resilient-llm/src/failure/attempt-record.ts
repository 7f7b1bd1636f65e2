import type { CostSource } from "../cost/model-costs.ts";
import type { TokenUsage } from "../cost/token-usage.ts";
import type { FailureKind } from "./failure.ts";

/** One line of a call's timeline. */
export interface AttemptRecord {
  /** From 1. */
  readonly attempt: number;
  /** Name of the candidate asked. */
  readonly candidate: string;
  /** The endpoint, without passwords and keys. */
  readonly baseUrl: string;
  /** From the start of the call, in ms. */
  readonly startedAfterMs: number;
  /** From its start to its end, in milliseconds. */
  readonly durationMs: number;
  /** How it ended. */
  readonly outcome: "succeeded" | "failed" | "aborted";
  /** What went wrong; only with `failed`. */
  readonly kind?: FailureKind;
  /** What happened, in one line, keys redacted; only with `failed`. */
  readonly message?: string;
  /** The HTTP status, if there was an answer; only with `failed`. */
  readonly status?: number;
  /** What was done about it: `retry in 500 ms`, `fall back to gpt-4.1`, `give up: …`. */
  readonly next?: string;
  /** Its tokens. */
  readonly usage: TokenUsage;
  /** USD; `undefined` if it is not known. */
  readonly costUsd: number | undefined;
  /** Who says so; `undefined` if nobody knows or nothing was used. */
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
