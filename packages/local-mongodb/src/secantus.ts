/**
 * SecantusDB's Rust server, which speaks MongoDB's protocol over WiredTiger: the development server
 * of machines that cannot download mongod. It is GPL-2.0 and stays a separate program, installed
 * from PyPI by the developer's own machine and talked to over TCP; nothing links or ships it.
 */
import { join } from "node:path";
import type { Environment } from "./environment.ts";
import type { Finding } from "./finding.ts";
import { installSecantus, SECANTUS_VERSION } from "./install-secantus.ts";
import type { LaunchPlan, PlanOptions } from "./server-program.ts";

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
