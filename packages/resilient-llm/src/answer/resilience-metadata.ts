import type { AnswerFacts } from "../attempt/attempt-outcome.ts";
import { fromPicoUsd, toPicoUsd } from "../cost/pico-usd.ts";
import type { TokenUsage } from "../cost/token-usage.ts";
import type { AttemptRecord } from "../failure/attempt-record.ts";
import { readFinish } from "../failure/finish-rules.ts";

/** What every answer carries as `response_metadata.resilience`. */
export interface ResilienceMetadata {
  /** Name of the candidate that gave the answer. */
  readonly candidate: string;
  /** The endpoint that gave the answer: its name as given, else its host. */
  readonly endpoint: string;
  /** Attempts that were made for the answer. */
  readonly attempts: number;
  /** Cost of all attempts in USD; `null` if the cost of one is not known. */
  readonly costUsd: number | null;
  /** Whether all of `costUsd` is what providers themselves reported. */
  readonly costReported: boolean;
  /** Whether the provider reported no usage, so that `usage_metadata` is estimated. */
  readonly usageEstimated: boolean;
  /** Whether the answer was cut off at the token limit. */
  readonly cutAtLimit: boolean;
  /** Whether no candidate gave more than an empty answer: no text, no tool call, no refusal. */
  readonly emptyAnswer: boolean;
  /** Set if the answer comes from the journal. Everything else says how it was got at that time. */
  readonly replayed?: true;
  /** Set if the answer goes on from a part that the journal had. */
  readonly resumed?: true;
  /** Set if an earlier process had asked for the answer, and this one has picked it up. */
  readonly pickedUp?: true;
}

/** Whether providers have said what each attempt that cost anything did cost. */
function isCostReported(records: readonly AttemptRecord[]): boolean {
  const costly = records.filter(({ costUsd }) => costUsd !== 0);
  const isSaid = records.some(({ costSource }) => costSource === "provider");
  return isSaid && costly.every(({ costSource }) => costSource === "provider");
}

/** The answer of a call, as far as its summary needs it. */
export interface AnswerSummary {
  readonly facts: AnswerFacts;
  readonly usage: TokenUsage | undefined;
}

/** Sums up a call that was answered. */
export function describeResilience(
  records: readonly AttemptRecord[],
  { facts, usage }: AnswerSummary,
): ResilienceMetadata {
  const answered =
    records.findLast((record) => record.outcome === "succeeded") ??
    records.findLast((record) => record.kind === "empty-answer");
  return {
    candidate: answered?.candidate ?? "",
    endpoint: answered?.endpoint ?? "",
    attempts: records.length,
    costUsd: sumCosts(records),
    costReported: isCostReported(records),
    usageEstimated: usage?.estimated ?? false,
    cutAtLimit: readFinish(facts.finishReason) === "cut",
    emptyAnswer: answered?.kind === "empty-answer",
  };
}

/** `null` if the cost of an attempt is not known. */
function sumCosts(records: readonly AttemptRecord[]): number | null {
  let sum = 0n;
  for (const { costUsd } of records) {
    if (costUsd === undefined) return null;
    sum += toPicoUsd(costUsd);
  }
  return fromPicoUsd(sum);
}
