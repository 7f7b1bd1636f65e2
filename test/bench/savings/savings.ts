/**
 * What faults cost: jobs that are done without checkpoints, with the official saver and with Threadkeep. Code and storage
 * are the real ones. The provider is on this machine, and time is simulated.
 */
import { startMongoDB } from "@threadkeep/local-mongodb";
import { holySheep } from "@threadkeep/resilient-llm/presets/holysheep";
import { MongoClient } from "mongodb";
import { randomBytes } from "node:crypto";
import { runProgram } from "../llm/program.ts";
import {
  describeRun,
  drawTable,
  type Table,
  writeIntoMarkdown,
  writeJson,
} from "../llm/results.ts";
import { listScenarios } from "./scenario.ts";
import { type Outcome, simulate } from "./simulate.ts";
import { WAYS } from "./ways.ts";

const usage = `pnpm bench savings [options]    what faults cost without checkpoints, with the official saver and with Threadkeep

--share N     how much of the hours is simulated, above 0; default 1
--json FILE   writes the results
--into FILE   puts the table into a Markdown file, between <!-- savings:begin --> and its end

Exits with 1 if Threadkeep pays for more than another way.`;

/** The models whose prices the table shows, of the preset. */
const SHOWN_MODELS = ["deepseek-v3.2", "gpt-4.1", "claude-sonnet-4.5"];

function readShare(text: string): number {
  const share = Number(text);
  if (share > 0 && share <= 1) return share;
  throw new Error(`--share is "${text}"; it has to be a number above 0, up to 1.`);
}

/** USD of tokens at the prices of the preset. */
function priceTokens(
  model: string,
  { inputTokens, outputTokens }: Pick<Outcome, "inputTokens" | "outputTokens">,
): number {
  const { models } = holySheep({ apiKey: "none" });
  const pricing = models.find((one) => one.model === model)?.pricing;
  if (pricing === undefined || pricing === "free") throw new Error(`No price of ${model}.`);
  const { inputPerMillionUsd, outputPerMillionUsd } = pricing;
  return (inputTokens * inputPerMillionUsd + outputTokens * outputPerMillionUsd) / 1_000_000;
}

function formatOutcome(outcome: Outcome): string[] {
  const { faults, hours, inputTokens, leastTokens, outputTokens, scenario, steps, stepsDone, way } =
    outcome;
  const tokens = inputTokens + outputTokens;
  const end =
    stepsDone === steps
      ? `after ${hours.toFixed(1)} h`
      : `not within ${hours.toFixed(0)} h: ${stepsDone} of ${steps} steps`;
  return [
    scenario,
    way,
    String(faults),
    tokens.toLocaleString("en-US"),
    stepsDone === steps ? (tokens - leastTokens).toLocaleString("en-US") : "all",
    ...SHOWN_MODELS.map((model) => priceTokens(model, outcome).toFixed(2)),
    end,
  ];
}

await runProgram(
  usage,
  {
    share: { type: "string", default: "1" },
    json: { type: "string" },
    into: { type: "string" },
  },
  async ({ into, json, share: given }) => {
    const share = readShare(given);
    await using server = await startMongoDB();
    await using client = new MongoClient(server.uri);
    const outcomes: Outcome[] = [];
    for (const scenario of listScenarios(share)) {
      for (const way of WAYS) {
        const dbName = `threadkeep_savings_${randomBytes(8).toString("hex")}`;
        outcomes.push(await simulate(scenario, way, client, dbName));
        await client.db(dbName).dropDatabase();
        process.stderr.write(".");
      }
    }
    process.stderr.write("\n");
    const table: Table = {
      head: [
        "work",
        "kept by",
        "faults",
        "tokens paid",
        "paid again",
        ...SHOWN_MODELS.map((model) => `USD, ${model}`),
        "done",
      ],
      rows: outcomes.map((outcome) => formatOutcome(outcome)),
    };
    console.log(drawTable(table));
    if (json !== undefined) writeJson(json, { benchmark: "savings", share, outcomes });
    if (into !== undefined) {
      const command = share === 1 ? "pnpm bench savings" : `pnpm bench savings --share ${share}`;
      writeIntoMarkdown(into, "savings", table, `\`${command}\` on ${describeRun()}.`);
    }
    return isLeast(outcomes) ? 0 : 1;
  },
);

/** Whether the last way pays least in each scenario, of those that are done. */
function isLeast(outcomes: readonly Outcome[]): boolean {
  return outcomes.every((outcome) => {
    const ours = outcomes.find(
      ({ scenario, way }) => scenario === outcome.scenario && way === WAYS.at(-1)?.name,
    );
    if (!ours || ours.stepsDone < ours.steps) return false;
    return (
      outcome.stepsDone < outcome.steps ||
      ours.inputTokens + ours.outputTokens <= outcome.inputTokens + outcome.outputTokens
    );
  });
}
