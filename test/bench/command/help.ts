import { styleText } from "node:util";
import { benchmarks } from "../benchmarks/index.ts";
import { saverNames } from "../harness/savers.ts";
import { programs } from "./programs.ts";

/** Prints what can be run, with what each benchmark does and has to reach. */
export function printHelp(): void {
  console.log(`${styleText("bold", "pnpm bench NAME… [options]")}    one or several benchmarks, or all
${styleText("bold", "pnpm bench plot FILE.json OUT.svg")}    draws a run of long-thread
${styleText("bold", "pnpm bench report FILE.json… [--into FILE.md]")}    prints results as Markdown

--turns N       size of the work; targets are stated for the default
--saver NAME    only this one of ${saverNames.join(", ")}; may be repeated
--json FILE     writes the results
--svg FILE      draws stored bytes and time per turn (long-thread)
--check         fails if a target is not reached
--profile DIR   writes CPU profiles of the cases

Each case runs in a new process on a new database of a new server; with MONGODB_URI set, on a new
database of that server.
`);
  for (const { name, description, turns, turnsAre, targets } of benchmarks) {
    console.log(`${styleText("bold", name)}    --turns ${turns}: ${turnsAre}\n  ${description}`);
    for (const { goal } of targets) console.log(`  - ${goal}`);
    console.log();
  }
  for (const [name, description] of Object.entries(programs)) {
    console.log(
      `${styleText("bold", name)}    its own options: ${name} --help\n  ${description}\n`,
    );
  }
}
