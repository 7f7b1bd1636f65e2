/** How long runs wait that a killed worker had, until another worker takes them. */
export class Crashes {
  readonly #open = new Map<string, { readonly token: number; readonly atMs: number }>();
  readonly waitedMs: number[] = [];

  /** A worker was killed that had the run. */
  note(runId: string, token: number): void {
    this.#open.set(runId, { token, atMs: performance.now() });
  }

  /** A worker has taken a run. */
  noteTaken(runId: string, token: number): void {
    const crash = this.#open.get(runId);
    if (crash === undefined || token <= crash.token) return;
    this.#open.delete(runId);
    this.waitedMs.push(performance.now() - crash.atMs);
  }

  /** How many wait now. */
  get waiting(): number {
    return this.#open.size;
  }
}
