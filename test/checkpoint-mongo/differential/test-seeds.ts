import { expect } from "vitest";
import { generateProgram } from "./generate-program.ts";
import { printProgram } from "./print-program.ts";

/** Seeds run at once, since each of them mostly waits for the server. */
const CONCURRENCY = 6;
/** Programs shown in full when a test fails. */
const MAX_SHOWN = 3;

/**
 * The seeds of this test run: those in `THREADKEEP_SEED`, with commas between them, or the first ones,
 * `THREADKEEP_SEEDS` of them.
 */
export function listSeeds(usualCount: number): number[] {
  const { THREADKEEP_SEED: seeds, THREADKEEP_SEEDS: count } = process.env;
  if (seeds !== undefined) return seeds.split(",").map(Number);
  return Array.from({ length: Number(count ?? usualCount) }, (_, index) => index);
}

/** Compares two savers for each seed, and fails with the programs for which they differ. */
export async function expectNoDifference(
  seeds: readonly number[],
  compare: (seed: number) => Promise<string[]>,
): Promise<void> {
  const queue = seeds.values();
  const failures: { seed: number; differences: string[] }[] = [];
  const work = async () => {
    for (const seed of queue) {
      const differences = await compare(seed);
      if (differences.length > 0) failures.push({ seed, differences });
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  failures.sort((a, b) => a.seed - b.seed);
  if (failures.length > 0) expect.fail(describeFailures(failures, seeds.length));
}

function describeFailures(
  failures: readonly { seed: number; differences: string[] }[],
  total: number,
): string {
  const shown = failures
    .slice(0, MAX_SHOWN)
    .map(({ seed, differences }) =>
      [
        `Seed ${seed}; alone: THREADKEEP_SEED=${seed} npm test -- test/checkpoint-mongo/differential`,
        printProgram(generateProgram(seed)),
        `The first of ${differences.length} differences: ${differences[0]}`,
      ].join("\n"),
    );
  const seeds = failures.map(({ seed }) => seed).join(", ");
  return [`${failures.length} of ${total} programs differ: ${seeds}.`, ...shown].join("\n\n");
}
