import { startMongoDB } from "@threadkeep/local-mongodb";
import { parseArgs } from "node:util";
import { runFleet, type FleetResult } from "./fleet.ts";

// `pnpm faults:runs`: workers are killed and paused at random; at the end, every run has to have ended once.
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    workers: { type: "string", default: "4" },
    runs: { type: "string", default: "200" },
    steps: { type: "string", default: "6" },
    "step-ms": { type: "string", default: "300" },
    concurrency: { type: "string", default: "5" },
    "fault-every-ms": { type: "string", default: "1000" },
    "lease-ms": { type: "string", default: "10000" },
    "poll-ms": { type: "string", default: "4000" },
    minutes: { type: "string", default: "15" },
  },
});
const number = (name: keyof typeof values): number => Number(values[name]);

await using server = await startMongoDB();
const result = await runFleet({
  uri: server.uri,
  database: `fleet_${Date.now()}`,
  seed: number("seed"),
  workers: number("workers"),
  runs: number("runs"),
  steps: number("steps"),
  stepMs: number("step-ms"),
  concurrency: number("concurrency"),
  faultEveryMs: number("fault-every-ms"),
  options: { leaseMs: number("lease-ms"), pollMs: number("poll-ms") },
  deadlineMs: number("minutes") * 60_000,
});
print(result);
process.exitCode = result.violations.length === 0 ? 0 : 1;

function print({
  seconds,
  runs,
  kills,
  pauses,
  refused,
  recoveriesMs,
  violations,
}: FleetResult): void {
  const sorted = recoveriesMs.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    sorted.length === 0
      ? "–"
      : `${(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]! / 1_000).toFixed(1)} s`;
  console.log(
    [
      `${runs.length} runs ended in ${seconds.toFixed(0)} s: ${kills} kills, ${pauses} pauses,`,
      `${refused} writes of outdated workers refused by the ledger.`,
      `Killed → running elsewhere, ${sorted.length} times: p50 ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)}.`,
      violations.length === 0 ? "Nothing is wrong." : violations.join("\n"),
    ].join("\n"),
  );
}
