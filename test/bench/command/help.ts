import { styleText } from "node:util";
import { benchmarks } from "../benchmarks/index.ts";
import { saverNames } from "../harness/savers.ts";
import { programs } from "./programs.ts";

/** Prints what can be run, with what each benchmark does and has to reach. */
export function printHelp(): void {
  console.log(`${styleText("bold", "pnpm bench NAME… [options]")}    one or several benchmarks, or all
${styleText("bold", "pnpm bench publish [NAME…]")}    measures all again, or those, and writes docs/benchmarks and its tables
${styleText("bold", "pnpm bench publish --tables-only")}    writes the tables and plots from docs/benchmarks
${styleText("bold", "pnpm bench plot FILE.json… OUT.svg")}    draws long-thread, or short-threads and long-thread
${styleText("bold", "pnpm bench report FILE.json… [--into FILE.md]")}    prints results as Markdown
${styleText("bold", "pnpm bench versus FILE.json… [--into FILE.md]")}    prints short and long threads side by side

--turns N       size of the work; targets are stated for the default
--saver NAME    only this one of ${saverNames.join(", ")}; may be repeated
--no-client-bulk-write    the server says it is a MongoDB 7.0
--rtt MS        adds so much to each round trip (a proxy in a process of its own)
--json FILE     writes the results
--svg FILE      draws stored bytes and time per turn (long-thread)
--check         fails if a target is not reached
--profile DIR   writes CPU profiles of the cases

Each case runs in a new process on a new database of a new server; with MONGODB_URI set, on a new
database of that server.
`);
  for (const { name, description, turns, turnsAre, targets, rttMs } of benchmarks) {
    const rtt = rttMs === undefined ? "" : `, --rtt ${rttMs}`;
    console.log(
      `${styleText("bold", name)}    --turns ${turns}${rtt}: ${turnsAre}\n  ${description}`,
    );
    for (const { goal } of targets) console.log(`  - ${goal}`);
    console.log();
  }
  for (const [name, description] of Object.entries(programs)) {
    console.log(
      `${styleText("bold", name)}    its own options: ${name} --help\n  ${description}\n`,
    );
  }
}
