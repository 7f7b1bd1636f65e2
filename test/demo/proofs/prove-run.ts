import { proveActedOnce } from "./acted-once.ts";
import { proveAnsweredOnce } from "./answered-once.ts";
import { proveOnlyCutCallsAskedAgain } from "./asked-again.ts";
import { proveBranchesKept } from "./branches-kept.ts";
import { proveCostsReported } from "./costs-reported.ts";
import { proveKilledAndFinished } from "./killed-and-finished.ts";
import type { Proof, RunEvidence } from "./proof.ts";
import { proveRefusedMadeGood } from "./refused-made-good.ts";
import { proveResumedFromNewest } from "./resumed-newest.ts";
import { proveUnbrokenHistory } from "./unbroken-history.ts";

/**
 * Everything the demo claims about a run, each claim with its figures and with what contradicts it.
 */
export function proveRun(evidence: RunEvidence): Proof[] {
  return [
    proveKilledAndFinished(evidence),
    proveAnsweredOnce(evidence),
    proveOnlyCutCallsAskedAgain(evidence),
    proveRefusedMadeGood(evidence),
    proveCostsReported(evidence),
    proveBranchesKept(evidence),
    proveResumedFromNewest(evidence),
    proveUnbrokenHistory(evidence),
    proveActedOnce(evidence),
  ];
}
