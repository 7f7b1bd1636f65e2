/**
 * `npm test`: installs what is needed, then runs every test, or those that the arguments for vitest
 * name. The last line is `N passed, N failed`, and the exit code is 0 only if nothing failed.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepareWorkspace, runNode } from "./bootstrap.mjs";

await prepareWorkspace();

const directory = mkdtempSync(join(tmpdir(), "threadkeep-test-run-"));
const countsFile = join(directory, "counts.json");
try {
  const exitCode = await runNode(
    [
      "node_modules/vitest/vitest.mjs",
      "run",
      "--reporter=default",
      "--reporter=./scripts/count-reporter.mjs",
      ...process.argv.slice(2),
    ],
    { THREADKEEP_TEST_COUNTS: countsFile },
  );
  const counts = readCounts();
  // A run that broke off, or failed for a reason that is no test's, is a failure too.
  const failed = exitCode === 0 ? counts.failed : Math.max(counts.failed, 1);
  process.exitCode = failed === 0 ? 0 : 1;
  for (const [need, count] of Object.entries(counts.needing)) {
    console.log(`\n${count} not run on this server: they need ${need}`);
  }
  console.log(`\n${counts.passed} passed, ${failed} failed`);
} finally {
  rmSync(directory, { recursive: true });
}

/** @returns {import("./count-reporter.mjs").Counts} */
function readCounts() {
  if (!existsSync(countsFile)) return { passed: 0, failed: 1, needing: {} };
  return /** @type {import("./count-reporter.mjs").Counts} */ (
    JSON.parse(readFileSync(countsFile, "utf8"))
  );
}
