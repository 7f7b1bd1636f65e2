/** `pnpm faults`: what the saver promises, while processes, server and network fail. */
import { startMongoDB } from "@threadkeep/local-mongodb";
import { styleText } from "node:util";
import { createProgressLine } from "../bench/harness/progress-line.ts";
import { writeIntoMarkdown } from "../bench/report/write-into-markdown.ts";
import { faultsPlace, formatMarkdown } from "./command/format-markdown.ts";
import { parseFaults } from "./command/parse-faults.ts";
import { formatSummary } from "./command/print-summary.ts";
import { parts } from "./parts/index.ts";
import type { PartResult } from "./parts/part.ts";

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    printHelp();
    return 0;
  }
  const request = parseFaults(args);
  const durationMs = (request.minutes * 60_000) / request.parts.length;
  console.log(`pnpm faults --seed ${request.seed} --minutes ${request.minutes}`);
  await using server = await startMongoDB({ ttlSweepSeconds: 1 });
  const progressLine = createProgressLine();
  const results: PartResult[] = [];
  for (const name of request.parts) {
    progressLine.begin(name);
    const { seed } = request;
    const report = (text: string): void => progressLine.update(`${name}: ${text}`);
    const result = await parts[name].run({ uri: server.uri, seed, durationMs, report });
    results.push(result);
    const count = result.violations.length;
    if (count === 0) progressLine.succeed(`${name}: ${result.calls} calls`);
    else progressLine.fail(`${name}: ${count} violations`);
  }
  console.log(formatSummary(results));
  if (request.into !== undefined) {
    writeIntoMarkdown(request.into, faultsPlace, formatMarkdown(server.description, results));
  }
  return results.every(({ violations }) => violations.length === 0) ? 0 : 1;
}

function printHelp(): void {
  console.log(`${styleText("bold", "pnpm faults [options]")}

Client processes do whatever users of a saver do and record every call, while something fails. Then a
process that has nothing in memory reads everything, and a checker compares: nothing acknowledged is
lost, nothing is there in part, nothing is returned that was not written, the order holds, every error
is one of the package's own, every call ends.

--seed N      decides what clients do and what fails when; by default a new one, which is printed
--minutes M   for all parts together, default 4
--only PART   just this part; may be repeated
--into FILE   writes the results into a Markdown file, between ${faultsPlace.begin} and ${faultsPlace.end}

${Object.entries(parts)
  .map(([name, { does }]) => `${styleText("bold", name.padEnd(14))}${does}`)
  .join("\n")}

On the server of MONGODB_URI, or one that is started. Whatever is killed is started by this program.
The exit code is 0 if nothing was found, 1 if something was, 2 if the program could not do its work.
`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
