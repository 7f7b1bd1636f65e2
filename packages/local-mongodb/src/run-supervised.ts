import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { MongoClient, MongoServerError } from "mongodb";

const START_LIMIT_MS = 60_000;
const POLL_INTERVAL_MS = 20;
/** mongod's exit code when its port was taken between choosing it and listening on it. */
const PORT_TAKEN = /exit code 48\b/;
const ATTEMPTS = 3;
const ALREADY_INITIALIZED = 23;

/** A server program found on this machine, not yet running. */
export interface ServerProgram {
  /** How people know it, for instance `mongod at /usr/bin/mongod`. */
  readonly name: string;
  /** Works out one start of it. Called again for each attempt. */
  plan(options: PlanOptions): Promise<LaunchPlan>;
}

export interface PlanOptions {
  /** The server's own directory. It does not exist yet; the supervisor makes and removes it. */
  readonly directory: string;
  /** Seconds between two sweeps of the TTL monitor; without it the server's default (60). */
  readonly ttlSweepSeconds?: number;
}

/** Everything needed to start a server once. */
export interface LaunchPlan {
  readonly command: string;
  readonly args: readonly string[];
  /** Files to write into the server's directory first, text by file name. */
  readonly files: Readonly<Record<string, string>>;
  /** The port, once the server's log says that it listens. */
  readonly readPort: (log: string) => number | undefined;
  /** Set for a server that has to be told to become a replica set of one. */
  readonly initiateReplicaSet?: string;
  /** Set for a server that is no MongoDB: it is ready when it listens. */
  readonly isReadyWhenListening?: true;
}

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
 * Starts a server and waits until it accepts writes. It ends with this process and does not keep this
 * process alive.
 *
 * @throws Error with the end of the server's log if it does not come up within 60 seconds
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
  const { initiateReplicaSet, isReadyWhenListening, readPort, ...plan } = await program.plan({
    ...options,
    directory,
  });
  const logFile = join(directory, "server.log");
  const pidFile = join(directory, "server.pid");
  const supervisor = startSupervisor({ ...plan, directory, logFile, pidFile });

  let state: "starting" | "running" | "stopping" = "starting";
  let endedBecause: string | undefined;
  const ended = supervisor.ended.then((reason) => {
    endedBecause = reason;
    if (state === "running") options.log(`${program.name} is gone, ${reason}`);
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
    const port = await until(async () => readPort(await readFile(logFile, "utf8").catch(() => "")));
    if (isReadyWhenListening !== true) await becomePrimary(port, initiateReplicaSet, until);
    const pid = Number(await readFile(pidFile, "utf8"));
    state = "running";
    return { port, pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What a supervisor is told to do, as JSON in its only argument. */
export interface SupervisorOrder {
  readonly command: string;
  readonly args: readonly string[];
  /** Does not exist yet: the supervisor makes it and removes it. */
  readonly directory: string;
  /** Files to write into the directory first, text by file name. */
  readonly files: Readonly<Record<string, string>>;
  /** Takes what the server prints. */
  readonly logFile: string;
  /** Gets the server's process id when the server starts. */
  readonly pidFile: string;
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

/**
 * Waits until the server at `port` takes writes, after making it a replica set of one where asked.
 *
 * @param until Repeats a check until it gives a value, or throws when it is time to give up.
 */
async function becomePrimary(
  port: number,
  replicaSet: string | undefined,
  until: <T>(check: () => Promise<T | undefined>) => Promise<T>,
): Promise<void> {
  const host = `127.0.0.1:${port}`;
  const client = new MongoClient(`mongodb://${host}/?directConnection=true`, {
    serverSelectionTimeoutMS: 2000,
  });
  const admin = client.db("admin");
  const connected = async <T>(command: () => Promise<T>): Promise<T | undefined> =>
    command().catch((error: unknown) => {
      // The server has answered: its answer is final. Anything else means that it is not up yet.
      if (error instanceof MongoServerError) throw error;
      return undefined;
    });
  try {
    if (replicaSet !== undefined) {
      const config = { _id: replicaSet, members: [{ _id: 0, host }] };
      await until(() =>
        connected(() =>
          admin.command({ replSetInitiate: config }).catch((error: unknown) => {
            // The reply to an earlier attempt was lost.
            if (error instanceof MongoServerError && error.code === ALREADY_INITIALIZED) return {};
            throw error;
          }),
        ),
      );
    }
    await until(async () => {
      const hello = await connected(() => admin.command({ hello: 1 }));
      return hello?.["isWritablePrimary"] === true ? true : undefined;
    });
  } finally {
    await client.close();
  }
}
