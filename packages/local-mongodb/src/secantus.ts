/**
 * SecantusDB's Rust server, which speaks MongoDB's protocol over WiredTiger: the development server
 * of machines that cannot download mongod. It is GPL-2.0 and stays a separate program, installed
 * from PyPI by the developer's own machine and talked to over TCP; nothing links or ships it.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Environment, type Finding, isExecutable } from "./environment.ts";
import { installFromPyPI } from "./install-from-pypi.ts";
import type { LaunchPlan, PlanOptions } from "./run-supervised.ts";

/** The release that is installed. */
const SECANTUS_VERSION = "0.6.0b17";

/**
 * The server, installed on first use.
 *
 * @throws Error if there is no Python 3 or pip cannot install it.
 */
export async function findSecantus(environment: Environment): Promise<Finding> {
  const path = await installSecantus(environment);
  const name = `SecantusDB ${SECANTUS_VERSION} (development server)`;
  return { program: { name, plan: (options) => planSecantus(path, options) } };
}

function planSecantus(path: string, options: PlanOptions): Promise<LaunchPlan> {
  const sweep = options.ttlSweepSeconds;
  return Promise.resolve({
    command: path,
    args: [
      ["--port", "0"],
      ["--storage-path", join(options.directory, "data")],
      // Without a file of our own it would pick up one of the user's.
      ["--config", join(options.directory, "secantusd.toml")],
      ["--cache-size", "512M", "--log-file-max", "128MB"],
      // Without it a killed server loses writes it has acknowledged as journaled.
      ["--sync-on-commit"],
    ].flat(),
    files: {
      "secantusd.toml": sweep === undefined ? "" : `[storage]\nttl_sweep_seconds = ${sweep}\n`,
    },
    readPort: (log) => {
      const port = /listening on 127\.0\.0\.1:(\d+)/.exec(log)?.[1];
      return port === undefined ? undefined : Number(port);
    },
  });
}

/** The path of `secantusd-rs`, installed into the cache directory unless it is there already. */
export function installSecantus(environment: Environment): Promise<string> {
  return installFromPyPI(environment, {
    name: "SecantusDB",
    version: SECANTUS_VERSION,
    place: "secantus",
    notice: `MongoDB: installing SecantusDB ${SECANTUS_VERSION} (22 MB)`,
    program: "secantusd-rs",
    find: findServerBinary,
  });
}

/**
 * The server's native binary within a virtual environment. On Linux the script in `bin` is a Python
 * wrapper with absolute paths inside, which a renamed environment breaks; the binary lies beside
 * the package.
 */
async function findServerBinary(directory: string): Promise<string | undefined> {
  if (process.platform !== "linux") {
    const path =
      process.platform === "win32"
        ? join(directory, "Scripts", "secantusd-rs.exe")
        : join(directory, "bin", "secantusd-rs");
    return (await isExecutable(path)) ? path : undefined;
  }
  const library = join(directory, "lib");
  for (const version of await readdir(library).catch(() => [])) {
    const path = join(library, version, "site-packages", "secantusdb.scripts", "secantusd-rs");
    if (await isExecutable(path)) return path;
  }
  return undefined;
}
