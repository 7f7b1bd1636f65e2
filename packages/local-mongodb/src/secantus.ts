/**
 * SecantusDB's Rust server, which speaks MongoDB's protocol over WiredTiger: the development server
 * of machines that cannot download mongod. It is GPL-2.0 and stays a separate program, installed
 * from PyPI by the developer's own machine and talked to over TCP; nothing links or ships it.
 */
import { execFile, type ExecFileException } from "node:child_process";
import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Environment, type Finding, findOnPath, isExecutable } from "./environment.ts";
import type { LaunchPlan, PlanOptions } from "./run-supervised.ts";

/** The release that is installed. */
const SECANTUS_VERSION = "0.6.0b17";

const STEP_LIMIT_MS = 120_000;
const MESSAGE_LIMIT = 600;
/** Older unfinished installations belong to processes that were killed. */
const ABANDONED_AFTER_MS = 60 * 60_000;

const run = promisify(execFile);

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

/**
 * The path of `secantusd-rs`, installed into the cache directory unless it is there already.
 *
 * Each process installs into a directory of its own and then renames it into place: a broken
 * installation never has the final name, and of several processes at once the first one wins.
 */
export async function installSecantus(environment: Environment): Promise<string> {
  const place = `secantus-${SECANTUS_VERSION}-${process.platform}-${process.arch}`;
  const target = join(environment.cacheDirectory, place);
  const installed = await findServerBinary(target);
  if (installed !== undefined) return installed;

  const python =
    (await findOnPath("python3", environment.variables)) ??
    (await findOnPath("python", environment.variables));
  if (python === undefined) {
    throw new Error("there is no python3 on the PATH: install Python 3.11 or later with venv");
  }
  await mkdir(environment.cacheDirectory, { recursive: true });
  await removeAbandoned(environment.cacheDirectory, `${place}.tmp-`);
  const temporary = await mkdtemp(`${target}.tmp-`);
  try {
    environment.log(`MongoDB: installing SecantusDB ${SECANTUS_VERSION} with ${python} (22 MB) …`);
    await buildEnvironment(python, temporary, environment.variables);
    await rename(temporary, target).catch(async (error: unknown) => {
      if ((await findServerBinary(target)) === undefined) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  const path = await findServerBinary(target);
  if (path === undefined) throw new Error(`${target} was installed and then removed again`);
  return path;
}

async function buildEnvironment(
  python: string,
  directory: string,
  variables: NodeJS.ProcessEnv,
): Promise<void> {
  const step = (command: string, ...args: string[]): Promise<unknown> =>
    run(command, args, { env: variables, timeout: STEP_LIMIT_MS }).catch((error: unknown) => {
      throw new Error(`"${[command, ...args].join(" ")}" ${describeFailure(error)}`);
    });
  await step(python, "-m", "venv", directory);
  const bin = join(directory, process.platform === "win32" ? "Scripts" : "bin");
  await step(
    join(bin, "python"),
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--no-deps",
    "--retries",
    "2",
    `SecantusDB==${SECANTUS_VERSION}`,
  );
  const server = await findServerBinary(directory);
  if (server === undefined) throw new Error("the package has no secantusd-rs for this platform");
  // Shows now, not at the first start, whether this machine's libraries are recent enough.
  await step(server, "--version");
}

function describeFailure(error: unknown): string {
  const { killed, message, stderr, stdout } = error as Partial<ExecFileException>;
  if (killed) return `was not done after ${STEP_LIMIT_MS / 1000} s`;
  // What helps most stands at the end; Debian's advice on a missing venv comes on standard output.
  const output = (stderr || stdout || message || "").trim().replaceAll(/\s+/g, " ");
  return `failed: ${output.slice(-MESSAGE_LIMIT)}`;
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

async function removeAbandoned(directory: string, prefix: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(directory, name);
    const changedAtMs = (await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now();
    if (Date.now() - changedAtMs < ABANDONED_AFTER_MS) continue;
    await rm(path, { recursive: true, force: true });
  }
}
