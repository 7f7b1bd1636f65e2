/** `pnpm bench`: the benchmarks of the savers, their tables and their plot. */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { printHelp } from "./command/help.ts";
import { parseRun } from "./command/parse-run.ts";
import { listPrograms, runProgram } from "./command/programs.ts";
import { runBenchmarks } from "./command/run-benchmarks.ts";
import { toMarkdown, writeIntoMarkdown } from "./report/markdown.ts";
import { plot } from "./report/plot.ts";
import { readResults } from "./report/result-file.ts";

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name !== undefined && listPrograms().includes(name)) return await runProgram(name, rest);
  if (args.includes("--help") || args.includes("-h")) {
    printHelp();
    return 0;
  }
  if (name === "plot") return await drawPlot(rest);
  if (name === "report") return writeReport(rest);
  if (name !== undefined) return await runBenchmarks(parseRun(args));
  printHelp();
  return 0;
}

async function drawPlot([input, output]: readonly string[]): Promise<number> {
  if (input === undefined || output === undefined) {
    throw new Error("plot needs two files: pnpm bench plot FILE.json OUT.svg");
  }
  writeFileSync(output, await plot(readResults(input).runs.flatMap((run) => run.rows)));
  return 0;
}

function writeReport(args: readonly string[]): number {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { into: { type: "string" } },
  });
  if (positionals.length === 0)
    throw new Error("report needs a file: pnpm bench report FILE.json…");
  const markdown = toMarkdown(positionals.map(readResults));
  if (values.into === undefined) console.log(markdown);
  else writeIntoMarkdown(values.into, markdown);
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
