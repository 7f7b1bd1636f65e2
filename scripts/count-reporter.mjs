import { writeFileSync } from "node:fs";

/** How the note of a test begins that ended because the server of MONGODB_URI lacks something. */
const NEEDS = "needs ";

/**
 * @typedef {object} Counts
 * @property {number} passed Tests that ran and passed.
 * @property {Readonly<Record<string, number>>} needing Tests that need what the server of MONGODB_URI lacks, by that.
 * @property {number} failed Tests that failed or did not run, files and suites that could not be
 *   run, and errors outside of any test.
 */

/**
 * A vitest reporter that writes {@link Counts} to the file named by `THREADKEEP_TEST_COUNTS`.
 *
 * A skipped test shows nothing, so it counts as failed and is named, unless the caller has asked for
 * some of the tests only (`-t`). One that needs what a server of the user's own lacks is named too, with
 * that, and counted by itself.
 */
export default class CountReporter {
  #selected = false;

  /** @param {import("vitest/node").Vitest} vitest */
  onInit(vitest) {
    this.#selected = vitest.config.testNamePattern !== undefined;
  }

  /**
   * @param {ReadonlyArray<import("vitest/node").TestModule>} modules
   * @param {ReadonlyArray<unknown>} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    let passed = 0;
    let failed = unhandledErrors.length;
    /** @type {Record<string, number>} */
    const needing = {};
    for (const module of modules) {
      if (module.errors().length > 0) failed += 1;
      for (const suite of module.children.allSuites()) {
        if (suite.errors().length > 0) failed += 1;
      }
      for (const test of module.children.allTests()) {
        const result = test.result();
        const { state } = result;
        const need =
          state === "skipped" && process.env.MONGODB_URI ? readNeed(result.note) : undefined;
        if (state === "passed") passed += 1;
        else if (state === "failed") failed += 1;
        else if (need !== undefined) {
          needing[need] = (needing[need] ?? 0) + 1;
          console.error(`NEEDS ${need}: ${module.relativeModuleId} > ${test.fullName}`);
        } else if (!this.#selected) {
          failed += 1;
          const how = test.options.mode === "todo" ? "todo" : "did not run";
          console.error(`FAILED (${how}): ${module.relativeModuleId} > ${test.fullName}`);
        }
      }
    }
    const file = process.env.THREADKEEP_TEST_COUNTS;
    if (file) writeFileSync(file, JSON.stringify({ passed, failed, needing }));
  }
}

/** @param {string | undefined} note */
function readNeed(note) {
  return note?.startsWith(NEEDS) ? note.slice(NEEDS.length) : undefined;
}
