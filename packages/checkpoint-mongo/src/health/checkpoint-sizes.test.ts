import { describe, expect, it } from "vitest";
import { CheckpointSizes } from "./checkpoint-sizes.ts";

const MIB = 1_048_576;

/** Sizes after so many steps that add a kilobyte each. */
function growSteadily(steps: number): CheckpointSizes {
  const sizes = new CheckpointSizes();
  for (let step = 1; step <= steps; step += 1) {
    sizes.add(step * 1_000, 1_000, () => (step - 1) * 1_000);
  }
  return sizes;
}

describe("sizes of checkpoints", () => {
  it("find a step abnormal that adds ten times as much as usual, and a megabyte", () => {
    const sizes = growSteadily(50);
    expect(sizes.stats).toMatchObject({ count: 50, lastBytes: 50_000, growthBytes: 1_000 });
    expect(sizes.add(60_000, 10_000, () => 50_000)).toBeUndefined();
    const grown = sizes.add(60_000 + 2 * MIB, 2 * MIB, () => 60_000);
    expect(grown).toMatchObject({ addedBytes: 2 * MIB });
    expect(grown!.usualBytes).toBeLessThan(2_000);
  });

  it("find nothing abnormal while nothing is usual yet, in a first checkpoint, and where as much goes", () => {
    expect(growSteadily(10).add(5 * MIB, 5 * MIB, () => 0)).toBeUndefined();
    expect(growSteadily(50).add(5 * MIB, 5 * MIB, () => undefined)).toBeUndefined();
    expect(growSteadily(50).add(5 * MIB, 5 * MIB, () => 5 * MIB)).toBeUndefined();
  });
});
