/** `pnpm faults:migrate`: a migration is killed again and again. */
import { startMongoDB } from "@threadkeep/local-mongodb";
import { parseArgs } from "node:util";
import { createProgressLine } from "../../bench/harness/progress-line.ts";
import { killMigrations } from "./kill-migrations.ts";

const DEFAULT_THREADS = "2000";
const DEFAULT_KILLS = "5";

const { values } = parseArgs({
  options: {
    threads: { type: "string", default: DEFAULT_THREADS },
    kills: { type: "string", default: DEFAULT_KILLS },
  },
});
const threads = Number(values.threads);
const kills = Number(values.kills);
if (!Number.isInteger(threads) || threads < 20 || !Number.isInteger(kills) || kills < 0) {
  throw new Error("--threads has to be a whole number from 20, --kills one from 0.");
}
console.log(`pnpm faults:migrate --threads ${threads} --kills ${kills}`);
await using server = await startMongoDB();
const progress = createProgressLine();
progress.begin("migrate");
const result = await killMigrations(server.uri, { threads, kills }, (text) =>
  progress.update(text),
);
if (result.violations.length === 0) progress.succeed("migrate: nothing found");
else progress.fail(`migrate: ${result.violations.length} violations`);
console.log(JSON.stringify(result, undefined, 2));
process.exitCode = result.violations.length === 0 ? 0 : 1;
