import { expect, inject, it } from "vitest";
import { killAgents } from "./kill-agents.ts";

it("agents that are killed at any moment end as undisturbed ones, and no answer that was journaled is asked for again", async () => {
  const seed = Number(process.env["THREADKEEP_FAULTS_SEED"] ?? 1);
  const result = await killAgents(inject("mongodbUri"), { kills: 12, seed });
  expect(result.violations).toEqual([]);
  // A run in which nothing was resumed would show nothing.
  expect(result.answeredBeforeKill).toBeGreaterThan(0);
  expect(result.continued).toBeGreaterThan(0);
}, 300_000);
