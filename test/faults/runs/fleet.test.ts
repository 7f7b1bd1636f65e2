import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { expect, inject, it, onTestFinished } from "vitest";
import { runFleet } from "./fleet.ts";

it("runs whose workers are killed and paused at random all end once, lose no step, and have one worker at a time", async () => {
  const uri = inject("mongodbUri");
  const client = new MongoClient(uri);
  const database = temporaryDatabase(client);
  onTestFinished(async () => {
    await database.drop();
    await client.close();
  });
  const result = await runFleet({
    uri,
    database: database.name,
    seed: Number(process.env["THREADKEEP_FAULTS_SEED"] ?? 1),
    workers: 3,
    runs: 24,
    steps: 5,
    stepMs: 250,
    concurrency: 3,
    faultEveryMs: 500,
    deadlineMs: 90_000,
    options: { leaseMs: 1_000, pollMs: 300 },
  });
  expect(result.violations).toEqual([]);
  expect(result.kills).toBeGreaterThan(0);
  expect(result.recoveriesMs.length).toBeGreaterThan(0);
}, 150_000);
