import { expect, inject, it } from "vitest";
import { killMigrations } from "./kill-migrations.ts";

// `pnpm faults:migrate` does the same with 2,000 threads and five kills.
it("threads of a migration that is killed are each moved once, and read the same from both savers all the time", async () => {
  const { violations, movedAtKill } = await killMigrations(inject("mongodbUri"), {
    threads: 100,
    kills: 2,
  });
  expect(violations).toEqual([]);
  // A process that was killed before it had moved anything would show nothing.
  expect(movedAtKill[0]).toBeGreaterThan(0);
  expect(movedAtKill[1]).toBeGreaterThan(movedAtKill[0]!);
}, 300_000);
