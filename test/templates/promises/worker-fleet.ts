import { describe, expect, it } from "vitest";
import type { FindTemplate } from "./template-under-test.ts";

/** What the README of the template worker-fleet says. */
export function testWorkerFleet(find: FindTemplate): void {
  describe("worker-fleet, copied alone and installed with npm", () => {
    it("brings all runs to their end once, though workers are killed and paused at random", async () => {
      const sizes = ["--threads", "12", "--workers", "3", "--step-ms", "300", "--lease-ms", "1500"];
      const run = await find().copy.node(["main.ts", ...sizes, "--fault-every-ms", "900"]);
      expect(run).toMatchObject({ code: 0 });
      expect(run.output).toContain("12 runs are stored, in as many threads; 3 workers start");
      expect(run.output).toMatch(/\d+ of 12 runs done, \d+ running/);
      expect(run.output).toMatch(/The ledger has 48 actions, each done once\./);
      expect(run.output).toContain("No run is lost, and nothing was done twice.");
      // By the database too: each action of each run is there under one token.
      const pages = await find().db.collection("ledger").find().toArray();
      expect(pages).toHaveLength(12);
      for (const { done } of pages) expect(Object.keys(done as object)).toHaveLength(4);
      expect(await find().db.collection("agendaJobs").countDocuments({ lockedAt: null })).toBe(0);
    });

    it("says what is wrong with an option", async () => {
      const refused = await find().copy.node(["main.ts", "--workers", "none"]);
      expect(refused).toMatchObject({ code: 1, output: "" });
      expect(refused.notices).toContain('--workers: expected a whole number above 0, got "none"');
    });
  });
}
