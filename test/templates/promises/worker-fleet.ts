import { describe, expect, it } from "vitest";
import type { FindTemplate } from "./template-under-test.ts";

/** What the README of the template worker-fleet says. */
export function testWorkerFleet(find: FindTemplate): void {
  describe("worker-fleet, copied alone and installed with npm", () => {
    it("brings all runs to their end once, though workers are killed and paused at random", async () => {
      const sizes = ["--threads", "8", "--workers", "2", "--step-ms", "300", "--lease-ms", "1500"];
      const run = await find().copy.node(["main.ts", ...sizes, "--fault-every-ms", "1000"]);
      expect(run).toMatchObject({ code: 0 });
      expect(run.output).toContain("8 runs are stored, in as many threads; 2 workers start");
      expect(run.output).toMatch(/\d+ of 8 runs done, \d+ running/);
      expect(run.output).toMatch(/The ledger has 32 actions, each done once\./);
      expect(run.output).toContain("No run is lost, and nothing was done twice.");
      const [, killed = "", paused = ""] =
        /(\d+) workers were killed, (\d+) paused/.exec(run.output) ?? [];
      expect(Number(killed) + Number(paused)).toBeGreaterThan(0);
      // By the database too: each action of each run is there under one token.
      const pages = await find().db.collection("ledger").find().toArray();
      expect(pages).toHaveLength(8);
      for (const { done } of pages) expect(Object.keys(done as object)).toHaveLength(4);
      expect(
        await find()
          .db.collection("agendaJobs")
          .countDocuments({ lockedAt: null, nextRunAt: { $ne: null } }),
      ).toBe(0);
    });

    it("says what is wrong with an option", async () => {
      const refused = await find().copy.node(["main.ts", "--workers", "none"]);
      expect(refused).toMatchObject({ code: 1, output: "" });
      expect(refused.notices).toContain('--workers: expected a whole number above 0, got "none"');
    });
  });
}
