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

it("with a keeper, no call of agents that are killed at any moment is asked for twice", async () => {
  const seed = Number(process.env["THREADKEEP_FAULTS_SEED"] ?? 5);
  const result = await killAgents(inject("mongodbUri"), { kills: 4, seed, hasKeeper: true });
  expect(result.violations).toEqual([]);
  expect(result.words).toBe(result.leastWords);
}, 300_000);
