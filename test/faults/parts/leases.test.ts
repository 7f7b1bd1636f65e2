import { expect, inject, it } from "vitest";
import { formatSummary } from "../command/print-summary.ts";
import { runLeases } from "./leases.ts";

it(
  "of processes that count up under a lease or with reject, whatever happens to them and whatever their clocks say, " +
    "no update is lost, none comes after a later holder's, and who is told of a conflict has stored nothing",
  { timeout: 300_000 },
  async () => {
    const seed = Number(process.env["THREADKEEP_FAULTS_SEED"] ?? 1);
    const extent = { seed, durationMs: 120_000, faults: 5 };
    const setting = { uri: inject("mongodbUri"), report: () => {}, ...extent };
    const result = await runLeases(setting, { clients: 3 });
    if (result.violations.length > 0) throw new Error(`\n${formatSummary([result])}`);
    expect(result.acknowledgedCheckpoints).toBeGreaterThan(0);
    expect(Object.keys(result.faults)).toHaveLength(5);
  },
);
