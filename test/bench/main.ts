/** `pnpm bench`: the benchmarks of the savers, their tables and their plot. */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { printHelp } from "./command/help.ts";
import { parseRun } from "./command/parse-run.ts";
import { listPrograms, runProgram } from "./command/programs.ts";
import { publishResults } from "./command/publish.ts";
import { runBenchmarks } from "./command/run-benchmarks.ts";
import { resultsPlace, toMarkdown, versusPlace, versusToMarkdown } from "./report/markdown.ts";
import { plotGrowth } from "./report/plot-growth.ts";
import { plotShortAndLong } from "./report/plot-short-and-long.ts";
import { readResults, type ResultFile } from "./report/result-file.ts";
import { writeIntoMarkdown, type Place } from "./report/write-into-markdown.ts";

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name !== undefined && listPrograms().includes(name)) return await runProgram(name, rest);
  if (args.includes("--help") || args.includes("-h")) {
    printHelp();
    return 0;
  }
  if (name === "plot") return await drawPlot(rest);
  if (name === "report") return writeReport(rest, toMarkdown, resultsPlace);
  if (name === "versus") return writeReport(rest, versusToMarkdown, versusPlace);
  if (name === "publish") return await publishResults(rest);
  if (name !== undefined) return await runBenchmarks(parseRun(args));
  printHelp();
  return 0;
}

/** What of the results is drawn depends on what there is. */
async function drawPlot(paths: readonly string[]): Promise<number> {
  const inputs = paths.slice(0, -1);
  const output = paths.at(-1);
  if (inputs.length === 0 || output === undefined) {
    throw new Error("plot needs two files or more: pnpm bench plot FILE.json… OUT.svg");
  }
  const runs = inputs.flatMap((input) => readResults(input).runs);
  const hasShort = runs.some(({ name }) => name === "short-threads");
  const draw = hasShort ? plotShortAndLong(runs) : plotGrowth(runs.flatMap(({ rows }) => rows));
  writeFileSync(output, await draw);
  return 0;
}

function writeReport(
  args: readonly string[],
  format: (files: readonly ResultFile[]) => string,
  place: Place,
): number {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { into: { type: "string" } },
  });
  if (positionals.length === 0)
    throw new Error("Which results? This needs a FILE.json or several.");
  const markdown = format(positionals.map(readResults));
  if (values.into === undefined) console.log(markdown);
  else writeIntoMarkdown(values.into, place, markdown);
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
