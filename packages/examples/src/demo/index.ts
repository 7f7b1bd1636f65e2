/** The demo's pieces, for the tests that make its claims a guarantee. */
export {
  DEMO_KILLS,
  afterAnswerTo,
  afterRefusal,
  atRequest,
  halfFanOut,
  insideSubgraph,
  midAnswer,
  type KillPoint,
} from "./killing/kill-point.ts";
export { SABOTAGES, type Sabotage } from "./killing/sabotage.ts";
export type { OutagePlan } from "../shared/model-server/outage.ts";
export { DEMO_OUTAGE } from "./model-server/demo-outage.ts";
export { proveActedOnce } from "./proofs/acted-once.ts";
export { proveAnsweredOnce } from "./proofs/answered-once.ts";
export { proveOnlyCutCallsAskedAgain } from "./proofs/asked-again.ts";
export { proveCostsReported } from "./proofs/costs-reported.ts";
export { finalState } from "./proofs/final-state.ts";
export type { Proof, RunEvidence } from "./proofs/proof.ts";
export { proveRun } from "./proofs/prove-run.ts";
export { proveRefusedMadeGood } from "./proofs/refused-made-good.ts";
export { proveResumedFromNewest } from "./proofs/resumed-newest.ts";
export { proveUnbrokenHistory } from "./proofs/unbroken-history.ts";
export { runThread, type ThreadRun } from "./run-thread.ts";
