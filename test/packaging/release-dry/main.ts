/** `pnpm release:dry`: what a release would publish, used as users do. See `--help`. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkRelease } from "./check-release.ts";
import { HELP, parseOptions, type Options } from "./options.ts";
import { Report } from "./report.ts";

process.exitCode = await main();

async function main(): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
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
