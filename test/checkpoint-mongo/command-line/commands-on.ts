import { expect } from "vitest";
import { runPiped, type PipedRun } from "./run-threadkeep.ts";

/** Runs commands as a script does, on one database. */
export function commandsOn(env: Parameters<typeof runPiped>[1]): {
  readonly run: (...args: readonly string[]) => Promise<PipedRun>;
  /** Runs one that has to succeed with nothing to tell, and returns what `--json` prints. */
  readonly runJson: (...args: readonly string[]) => Promise<unknown>;
} {
  const run = (...args: readonly string[]): Promise<PipedRun> => runPiped(args, env);
  const runJson = async (...args: readonly string[]): Promise<unknown> => {
    const { exitCode, stdout, stderr } = await run(...args, "--json");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    return JSON.parse(stdout);
  };
  return { run, runJson };
}
