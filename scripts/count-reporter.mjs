import { writeFileSync } from "node:fs";

/**
 * @typedef {object} Counts
 * @property {number} passed Tests that ran and passed.
 * @property {number} failed Tests that failed or did not run, files and suites that could not be
 *   run, and errors outside of any test.
 */

/**
 * A vitest reporter that writes {@link Counts} to the file named by `THREADKEEP_TEST_COUNTS`.
 *
 * A skipped test shows nothing, so it counts as failed and is named, unless the caller has asked for
 * some of the tests only (`-t`).
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
    for (const module of modules) {
      if (module.errors().length > 0) failed += 1;
      for (const suite of module.children.allSuites()) {
        if (suite.errors().length > 0) failed += 1;
      }
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") passed += 1;
        else if (state === "failed") failed += 1;
        else if (!this.#selected) {
          failed += 1;
          const how = test.options.mode === "todo" ? "todo" : "did not run";
          console.error(`FAILED (${how}): ${module.relativeModuleId} > ${test.fullName}`);
        }
      }
    }
    const file = process.env.THREADKEEP_TEST_COUNTS;
    if (file) writeFileSync(file, JSON.stringify({ passed, failed }));
  }
}
