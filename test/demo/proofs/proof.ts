import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { LedgerEntry } from "../company/action-ledger.ts";
import type { RunRecord } from "../killing/run-record.ts";
import type { RefusedRequest } from "../model-server/outage.ts";
import type { ModelCall } from "../recording/model-call.ts";

/** What the proofs are drawn from. All of it was kept outside of the processes that were killed. */
export interface RunEvidence {
  run: RunRecord;
  /** The model's request log. */
  calls: readonly ModelCall[];
  /** What the scripted model turned down on purpose; absent where the model is a real one. */
  refused?: readonly RefusedRequest[] | undefined;
  /** What the agent did to the outside world. */
  ledger: readonly LedgerEntry[];
  /** Every checkpoint of the thread, in all namespaces, from the database. */
  history: readonly CheckpointTuple[];
}

/** A claim about a run, and whether it holds. */
export interface Proof {
  claim: string;
  /** The numbers it rests on. */
  figures: string;
  /** What contradicts it, one sentence each; the claim holds when there is nothing. */
  violations: readonly string[];
}

/** `1 call`, `2 calls`; `2 branches` where the plural is given. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
