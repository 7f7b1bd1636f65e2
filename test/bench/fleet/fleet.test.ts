import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));

it("pnpm bench fleet measures crashes, speed, rest and leases, and writes what it has measured", async () => {
  const directory = await mkdtemp(join(tmpdir(), "threadkeep-bench-fleet-"));
  try {
    const json = join(directory, "fleet.json");
    const sizes = ["--kills=1", "--runs=8", "--workers=1", "--idle-seconds=1", "--puts=10"];
    const args = ["--conditions=@threadkeep/source", main, "fleet", ...sizes, `--json=${json}`];
    // So little reaches the goals or not; either way the figures are there.
    await promisify(execFile)(process.execPath, args).catch(() => {});
    const { benchmark, figures } = JSON.parse(await readFile(json, "utf8")) as {
      readonly benchmark: string;
      readonly figures: readonly { readonly measure: string; readonly measured: string }[];
    };
    expect(benchmark).toBe("fleet");
    const measured = Object.fromEntries(figures.map((figure) => [figure.measure, figure.measured]));
    expect(measured["further commands of a put under a lease"]).toBe("0.00");
    expect(Number.parseFloat(measured["killed → running elsewhere, p99"]!)).toBeGreaterThan(1);
  } finally {
    await rm(directory, { recursive: true });
  }
}, 120_000);
