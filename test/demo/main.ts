/** `npm run demo`: an agent that is killed three times and finishes its work. See `--help`. */
import { constants } from "node:os";
import { startMongoDB } from "@threadkeep/local-mongodb";
import { readCommandLine } from "../command-line/read-command-line.ts";
import { WorkerFailedError } from "./killing/worker-failed-error.ts";
import { HELP, readOptions } from "./options.ts";
import { runDemo } from "./run-demo.ts";

/** A run that takes longer has come to a standstill; a real model needs about one minute. */
const DEADLINE_MS = 180_000;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = readCommandLine(HELP, readOptions);
  if (typeof options === "number") return options;

  const abort = new AbortController();
  const mongodb = await startMongoDB({ log: console.log });
  const deadline = setTimeout(
    () =>
      abort.abort(new Error(`The run has not ended after ${DEADLINE_MS / 1000} s. Try --verbose.`)),
    DEADLINE_MS,
  );
  let interruptedBy: NodeJS.Signals | undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    // Only the first one: a second Ctrl-C ends the process at once.
    process.once(signal, () => {
      interruptedBy = signal;
      abort.abort(new Error(`Stopped by ${signal}.`));
    });

  try {
    const proven = await runDemo(mongodb, options, abort.signal);
    return proven ? 0 : 1;
  } catch (error) {
    console.error(
      `\n${abort.signal.aborted ? (abort.signal.reason as Error).message : describe(error)}`,
    );
    return interruptedBy ? 128 + constants.signals[interruptedBy] : 1;
  } finally {
    clearTimeout(deadline);
    await mongodb.stop();
  }
}

/** What a worker said explains its failure; of anything unforeseen the stack is wanted too. */
function describe(error: unknown): string {
  if (error instanceof WorkerFailedError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
