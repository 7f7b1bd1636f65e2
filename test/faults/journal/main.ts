/** `pnpm faults:journal`: agents with a call journal are killed at random points. `--keeper`: with a keeper too. */
import { startMongoDB } from "@threadkeep/local-mongodb";
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { createProgressLine } from "../../bench/harness/progress-line.ts";
import { killAgents } from "./kill-agents.ts";

const DEFAULT_KILLS = "200";
const MAX_SEED = 1_000_000;

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: DEFAULT_KILLS },
    seed: { type: "string", default: String(randomInt(MAX_SEED)) },
    keeper: { type: "boolean", default: false },
  },
});
const kills = Number(values.kills);
const seed = Number(values.seed);
if (!Number.isInteger(kills) || kills < 1 || !Number.isInteger(seed) || seed < 0) {
  throw new Error("--kills has to be a whole number from 1, --seed one from 0.");
}
const { keeper: hasKeeper } = values;
const flags = hasKeeper ? " --keeper" : "";
console.log(`pnpm faults:journal --kills ${kills} --seed ${seed}${flags}`);
await using server = await startMongoDB();
const progress = createProgressLine();
progress.begin("journal");
const result = await killAgents(server.uri, { kills, seed, hasKeeper }, (text) =>
  progress.update(text),
);
if (result.violations.length === 0) progress.succeed("journal: nothing found");
else progress.fail(`journal: ${result.violations.length} violations`);
console.log(JSON.stringify(result, undefined, 2));
process.exitCode = result.violations.length === 0 ? 0 : 1;
