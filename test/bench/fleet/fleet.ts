/** What runs cost: after a crash, at full speed, at rest, and in the leases that they hold. */
import { readCount, runProgram } from "../llm/program.ts";
import { describeRun, drawTable, writeIntoMarkdown, writeJson } from "../llm/results.ts";

const usage = `pnpm bench fleet [options]    workers and the runs that they carry out

--kills N         workers killed, each with the runs it has; default 25
--runs N          runs whose speed is measured, with each number of workers; default 200
--workers N       the most workers whose speed is measured; default 4
--idle-seconds N  how long an idle worker is watched; default 60
--puts N          puts with and without a lease; default 300
--json FILE       writes the results
--into FILE       puts the table into a Markdown file, between <!-- fleet:begin --> and its end

Exits with 1 if a goal is missed.`;

await runProgram(
  usage,
  {
    kills: { type: "string", default: "25" },
    runs: { type: "string", default: "200" },
    workers: { type: "string", default: "4" },
    "idle-seconds": { type: "string", default: "60" },
    puts: { type: "string", default: "300" },
    json: { type: "string" },
    into: { type: "string" },
  },
  async ({ json, into, ...sizes }) => {
    const plan = {
      kills: readCount("--kills", sizes.kills),
      runs: readCount("--runs", sizes.runs),
      workers: readCount("--workers", sizes.workers),
      idleSeconds: readCount("--idle-seconds", sizes["idle-seconds"]),
      puts: readCount("--puts", sizes.puts),
    };
    // Not before: what it needs takes seconds to load, and help is to come at once.
    const { measureFleet } = await import("./measure-fleet.ts");
    const figures = await measureFleet(plan);
    const table = {
      head: ["runs", "measured", "goal", ""],
      rows: figures.map(({ measure, measured, goal, isReached }) => [
        measure,
        measured,
        goal,
        goal && (isReached === false ? "missed" : "reached"),
      ]),
    };
    console.log(drawTable(table));
    if (json !== undefined) writeJson(json, { benchmark: "fleet", ...plan, figures });
    if (into !== undefined) {
      const note = `\`pnpm bench fleet --kills ${plan.kills} --runs ${plan.runs}\` on ${describeRun()}.`;
      writeIntoMarkdown(into, "fleet", table, note);
    }
    return figures.every(({ isReached }) => isReached !== false) ? 0 : 1;
  },
);
