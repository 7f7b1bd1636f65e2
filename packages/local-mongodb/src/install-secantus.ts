import { execFile, type ExecFileException } from "node:child_process";
import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Environment } from "./environment.ts";
import { findOnPath, isExecutable } from "./find-on-path.ts";

/** The release that is installed. */
export const SECANTUS_VERSION = "0.6.0b17";

const STEP_LIMIT_MS = 120_000;
const MESSAGE_LIMIT = 600;
/** Older unfinished installations belong to processes that were killed. */
const ABANDONED_AFTER_MS = 60 * 60_000;

const run = promisify(execFile);

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
