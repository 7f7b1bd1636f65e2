import { appendFileSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Call, Failure, Result } from "./call.ts";

/** A line of what a process recorded. */
export type HistoryLine =
  | { readonly invoked: number; readonly atMs: number; readonly call: Call }
  | { readonly ended: number; readonly atMs: number; readonly result: Result }
  | { readonly ended: number; readonly atMs: number; readonly failure: Failure }
  | { readonly killedAtMs: number };

/** Milliseconds of a clock that all processes of the machine share and nobody sets. */
export function readClock(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/**
 * Records what a process calls to a file that is only ever appended to. A line is handed to the system
 * before the call begins, or continues: the end of the process takes nothing of it away.
 */
export class Recorder {
  private readonly file: number;
  private readonly onEnded: () => void;
  private calls = 0;

  /** @param onEnded is called whenever a call has ended, whichever way */
  constructor(directory: string, process: string, onEnded: () => void = () => {}) {
    this.file = openSync(fileOf(directory, process), "a");
    this.onEnded = onEnded;
  }

  /** Makes a call and records how it ends. */
  async record<T>(call: Call, make: () => Promise<T>, read: (value: T) => Result): Promise<T> {
    const number = (this.calls += 1);
    this.append({ invoked: number, atMs: readClock(), call });
    try {
      const value = await make();
      const atMs = readClock();
      this.append({ ended: number, atMs, result: read(value) });
      return value;
    } catch (error) {
      this.append({ ended: number, atMs: readClock(), failure: describeFailure(error) });
      throw error;
    } finally {
      this.onEnded();
    }
  }

  private append(line: HistoryLine): void {
    writeSync(this.file, `${JSON.stringify(line)}\n`);
  }
}

/** Records for a process that it was killed. */
export function recordKill(directory: string, process: string): void {
  const line: HistoryLine = { killedAtMs: readClock() };
  // The process may have been killed in the middle of a line.
  appendFileSync(fileOf(directory, process), `\n${JSON.stringify(line)}\n`);
}

function fileOf(directory: string, process: string): string {
  return join(directory, `${process}.jsonl`);
}

const BRAND = Symbol.for("@threadkeep/checkpoint-mongo/error");

function describeFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: typeof error, message: String(error), code: null };
  const isOurs = BRAND in error && "code" in error;
  return { name: error.name, message: error.message, code: isOurs ? String(error.code) : null };
}
