import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { afterAll, describe, expect, inject, it } from "vitest";
import { INPUT_TOKENS, OUTPUT_TOKENS, type Scenario } from "./scenario.ts";
import { simulate } from "./simulate.ts";
import { WAYS } from "./ways.ts";

const client = new MongoClient(inject("mongodbUri"));
const databases = WAYS.map(() => temporaryDatabase(client));

afterAll(async () => {
  await Promise.all(databases.map((database) => database.drop()));
  await client.close();
});

describe("the savings table", () => {
  it("bills each way for what it asks again: all steps, the last one, nothing", async () => {
    const scenario: Scenario = {
      name: "4 steps",
      steps: 4,
      faults: [{ step: 3, moment: "action" }],
      giveUpAfterMs: Infinity,
    };
    const step = INPUT_TOKENS + OUTPUT_TOKENS;
    const paid = [];
    for (const [index, way] of WAYS.entries()) {
      const outcome = await simulate(scenario, way, client, databases[index]!.name);
      expect(outcome).toMatchObject({ faults: 1, stepsDone: 4, leastTokens: 4 * step });
      paid.push(outcome.inputTokens + outcome.outputTokens - outcome.leastTokens);
    }
    expect(paid).toEqual([3 * step, step, 0]);
  }, 60_000);

  it("says what is wrong with its flags, with exit code 2", async () => {
    const program = fileURLToPath(new URL("savings.ts", import.meta.url));
    const failure = promisify(execFile)(process.execPath, [
      "--conditions=@threadkeep/source",
      program,
      "--share=2",
    ]);
    await expect(failure).rejects.toMatchObject({ code: 2 });
    await expect(failure).rejects.toThrow('--share is "2"');
  }, 60_000);
});
