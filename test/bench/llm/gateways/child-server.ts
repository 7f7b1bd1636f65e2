import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";

const START_LIMIT_MS = 90_000;
const POLL_INTERVAL_MS = 100;
const END_LIMIT_MS = 5000;
const SHOWN_OUTPUT_LENGTH = 1500;

/** A server to be started as a child process. */
export interface ServerPlan {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Variables besides `PATH` and `HOME`: a proxy of this machine must not get between. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Answers with a status below 500 as soon as the server is ready. */
  readonly readyUrl: string;
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.body?.cancel();
    return response.status < 500;
  } catch {
    return false;
  }
}

/**
 * Starts a server and waits until it is ready. It ends with this process at the latest.
 *
 * @throws Error with the end of its output if it ends before or takes too long
 */
export async function startChildServer(plan: ServerPlan): Promise<AsyncDisposable> {
  const { HOME, PATH } = process.env;
  const child = spawn(plan.command, plan.args, {
    env: { HOME, PATH, ...plan.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (piece) => {
      output = `${output}${String(piece)}`.slice(-SHOWN_OUTPUT_LENGTH);
    });
  }
  let hasEnded = false;
  const ended = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      output += error.message;
      hasEnded = true;
      resolve();
    });
    child.once("exit", () => {
      hasEnded = true;
      resolve();
    });
  });
  const kill = (): void => void child.kill("SIGKILL");
  // Without a listener a signal ends this process so that "exit" is not emitted.
  const exit = (): void => process.exit(1);
  process.once("exit", kill).once("SIGTERM", exit).once("SIGINT", exit);
  const end = async (): Promise<void> => {
    child.kill("SIGTERM");
    await Promise.race([ended, delay(END_LIMIT_MS, undefined, { ref: false })]);
    if (!hasEnded) kill();
    await ended;
    process.off("exit", kill).off("SIGTERM", exit).off("SIGINT", exit);
  };

  const deadlineMs = performance.now() + START_LIMIT_MS;
  while (!(await isReady(plan.readyUrl))) {
    if (hasEnded || performance.now() > deadlineMs) {
      await end();
      throw new Error(`${plan.name} did not start: ${output.trim()}`);
    }
    await delay(POLL_INTERVAL_MS);
  }
  return { [Symbol.asyncDispose]: end };
}
