import { expect, inject } from "vitest";
import { formatSummary } from "../command/print-summary.ts";
import { parts, type PartName } from "./index.ts";
import type { Extent, PartResult } from "./part.ts";

/** Runs a part for a short time on the test run's server, and expects that nothing is found. */
export async function runShort(name: PartName, extent: Omit<Extent, "seed">): Promise<PartResult> {
  const seed = Number(process.env["THREADKEEP_FAULTS_SEED"] ?? 1);
  const setting = { uri: inject("mongodbUri"), seed, report: () => {}, ...extent };
  const result = await parts[name].run(setting);
  if (result.violations.length > 0) throw new Error(`\n${formatSummary([result])}`);
  // A run in which nothing happened would show nothing.
  expect(result.acknowledgedCheckpoints).toBeGreaterThan(0);
  expect(result.acknowledgedWrites).toBeGreaterThan(0);
  expect(result.reads).toBeGreaterThan(0);
  return result;
}
