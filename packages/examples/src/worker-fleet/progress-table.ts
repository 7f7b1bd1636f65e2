import type { Fleet } from "./fleet.ts";

/** How many runs stand where. */
export interface Progress {
  readonly queued: number;
  readonly running: number;
  readonly done: number;
  readonly others: number;
  readonly crashed: number;
}

const BAR_LENGTH = 40;
/** Where the output is no terminal, so many seconds lie between two lines. */
const LINE_EVERY_MS = 5_000;

/** Prints how far the fleet is: a table that is drawn over itself, or a line now and then where that cannot be. */
export class ProgressTable {
  #lines = 0;
  #printedMs = -Infinity;

  print({ workers, kills, pauses }: Fleet, progress: Progress): void {
    const { queued, running, done, others, crashed } = progress;
    const total = queued + running + done + others;
    const counts =
      `${done} of ${total} runs done, ${running} running, ${queued} queued; ` +
      `${kills} kills, ${pauses} pauses, ${crashed} runs wait for another worker`;
    if (!process.stdout.isTTY) {
      if (performance.now() - this.#printedMs < LINE_EVERY_MS) return;
      this.#printedMs = performance.now();
      console.log(counts);
      return;
    }
    const filled = Math.round((BAR_LENGTH * done) / Math.max(total, 1));
    const rows = workers.map(
      ({ name, state, taken }) => `${name.padEnd(12)}${state.padEnd(10)}${taken} runs taken`,
    );
    const lines = [...rows, `${"█".repeat(filled)}${"░".repeat(BAR_LENGTH - filled)}`, counts];
    if (this.#lines > 0) process.stdout.write(`\u001B[${this.#lines}A`);
    for (const line of lines) process.stdout.write(`\u001B[2K${line}\n`);
    this.#lines = lines.length;
  }
}
