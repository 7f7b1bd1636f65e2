/** Prints each check with how long it took, and keeps what failed. */
export class Report {
  readonly #failed: string[] = [];
  #passed = 0;

  /** The names of the checks that failed. */
  get failed(): readonly string[] {
    return this.#failed;
  }

  get passed(): number {
    return this.#passed;
  }

  /**
   * @param check returns what it found wrong, one problem a line
   * @returns whether nothing was wrong
   */
  async check(name: string, check: () => Promise<readonly string[]>): Promise<boolean> {
    const start = performance.now();
    let problems: readonly string[];
    try {
      problems = await check();
    } catch (error) {
      problems = [error instanceof Error ? error.message : String(error)];
    }
    const seconds = ((performance.now() - start) / 1_000).toFixed(1);
    console.log(`${problems.length === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
    for (const problem of problems) console.log(problem.replaceAll(/^/gm, "         "));
    if (problems.length === 0) this.#passed += 1;
    else this.#failed.push(name);
    return problems.length === 0;
  }
}
