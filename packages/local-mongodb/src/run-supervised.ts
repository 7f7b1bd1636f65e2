import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { becomePrimary } from "./become-primary.ts";
import type { ServerProgram } from "./server-program.ts";
import { LOG_FILE, PID_FILE, type SupervisorOrder } from "./supervisor-order.ts";

const START_LIMIT_MS = 60_000;
const POLL_INTERVAL_MS = 20;
/** mongod's exit code when its port was taken between choosing it and listening on it. */
const PORT_TAKEN = /exit code 48\b/;
const ATTEMPTS = 3;

/** A server that runs under a supervisor. */
export interface SupervisedServer {
  readonly port: number;
  /** The id of the server's process. */
  readonly pid: number;
  /** Ends the server; resolves when its process and its directory are gone. */
  readonly stop: () => Promise<void>;
}

export interface RunOptions {
  readonly ttlSweepSeconds?: number;
  /** Hears of a server that ends although nobody stopped it. */
  readonly log: (line: string) => void;
}

/**
 * Starts a server and waits until it accepts writes. It ends with this process; it does not keep
 * this process alive.
 *
 * @throws Error with the end of the server's log if it does not come up within 60 seconds.
 */
export async function runSupervised(
  program: ServerProgram,
  options: RunOptions,
): Promise<SupervisedServer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runOnce(program, options);
    } catch (error) {
      if (attempt === ATTEMPTS || !PORT_TAKEN.test(String(error))) throw error;
    }
  }
}

async function runOnce(program: ServerProgram, options: RunOptions): Promise<SupervisedServer> {
  const directory = join(tmpdir(), `threadkeep-mongodb-${randomBytes(6).toString("hex")}`);
  const { initiateReplicaSet, readPort, ...plan } = await program.plan({ ...options, directory });
  const supervisor = startSupervisor({ ...plan, directory });

  let state: "starting" | "running" | "stopping" = "starting";
  let endedBecause: string | undefined;
  const ended = supervisor.ended.then((reason) => {
    endedBecause = reason;
    if (state === "running") options.log(`MongoDB: ${program.name} is gone, ${reason}`);
  });
  const stop = async (): Promise<void> => {
    state = "stopping";
    supervisor.end();
    await ended;
  };

  try {
    const deadlineMs = performance.now() + START_LIMIT_MS;
    const until = async <T>(check: () => Promise<T | undefined>): Promise<T> => {
      for (;;) {
        const result = await check();
        if (result !== undefined) return result;
        if (endedBecause !== undefined) throw new Error(endedBecause);
        if (performance.now() > deadlineMs) {
          throw new Error(`it did not accept connections within ${START_LIMIT_MS / 1000} s`);
        }
        await delay(POLL_INTERVAL_MS);
      }
    };
    const logPath = join(directory, LOG_FILE);
    const port = await until(async () => readPort(await readFile(logPath, "utf8").catch(() => "")));
    await becomePrimary(port, initiateReplicaSet, until);
    const pid = Number(await readFile(join(directory, PID_FILE), "utf8"));
    state = "running";
    return { port, pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startSupervisor(order: SupervisorOrder): { end(): void; ended: Promise<string> } {
  const program = fileURLToPath(new URL("supervisor.ts", import.meta.url));
  const child = spawn(process.execPath, [program, JSON.stringify(order)], {
    // Out of reach of a Ctrl-C on the terminal, which would end it before it has cleaned up.
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  // None of this may keep the process alive. The types hide that these pipes are sockets.
  child.unref();
  const pipes = [child.stdin, child.stdout, child.stderr] as unknown as Socket[];
  for (const pipe of pipes) pipe.unref();

  let report = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      report += text;
    });
  }
  const ended = new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", () => resolve(report.trim() || "its supervisor was ended"));
  });
  // A supervisor that is already gone has closed its end of the pipe.
  child.stdin.on("error", () => {});
  return {
    end() {
      // Now there is something to wait for: the server's end.
      child.ref();
      for (const pipe of pipes) pipe.ref();
      child.stdin.end();
    },
    ended,
  };
}
