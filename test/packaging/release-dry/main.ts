/** `pnpm release:dry`: what a release would publish, used as users do. See `--help`. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCommandLine } from "../../command-line/read-command-line.ts";
import { checkRelease } from "./check-release.ts";
import { HELP, parseOptions } from "./options.ts";
import { Report } from "./report.ts";

process.exitCode = await main();

async function main(): Promise<number> {
  const options = readCommandLine(HELP, parseOptions);
  if (typeof options === "number") return options;
  const directory = await mkdtemp(join(tmpdir(), "threadkeep-release-"));
  const report = new Report();
  try {
    await checkRelease(directory, options, report);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  console.log(`\n${report.passed} checks passed, ${report.failed.length} failed`);
  return report.failed.length === 0 ? 0 : 1;
}
