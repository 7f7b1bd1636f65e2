/**
 * Gets a fresh clone ready with nothing but Node.js and npm. Plain JavaScript without dependencies,
 * because it runs before anything is installed, on whatever Node.js the machine has.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const OLDEST_NODE_MAJOR = 20;
export const PNPM = "pnpm@12.21.0";
const INSTALL_ARGS = [
  "install",
  "--frozen-lockfile",
  // It would ask before it replaces an outdated node_modules, and there may be nobody to answer.
  "--config.confirmModulesPurge=false",
];

const onWindows = process.platform === "win32";

/** The root of the repository. */
const root = fileURLToPath(new URL("..", import.meta.url));

const binaries = join(root, "node_modules", ".bin");
/** The workspace's own Node.js: the version everything is tested with, whatever is on the machine. */
const node = join(root, "node_modules", "node", "bin", onWindows ? "node.exe" : "node");

/** Installs the dependencies unless they are there and up to date; ends the process if it can't. */
export async function prepareWorkspace() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < OLDEST_NODE_MAJOR) {
    fail(
      `This is Node.js ${process.version}; ${OLDEST_NODE_MAJOR} or later is needed to get started. ` +
        `Install a current one from https://nodejs.org and run the same command again.`,
    );
  }
  if (isInstalled()) return;
  console.error(`Installing the dependencies with ${PNPM} …`);
  const exitCode = await run("npx", ["--yes", PNPM, ...INSTALL_ARGS], {
    // What follows owns standard output; there is nobody to answer on standard input.
    stdio: ["ignore", 2, 2],
    shell: onWindows,
  });
  if (exitCode !== 0 || !isInstalled()) {
    fail(
      `The dependencies could not be installed (exit code ${exitCode}, see above). The npm registry ` +
        `has to be within reach. To try by hand: npx --yes ${PNPM} ${INSTALL_ARGS.join(" ")}`,
    );
  }
}

/**
 * Runs the workspace's Node.js in the root of the repository.
 *
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [variables] Environment variables on top of this process's own.
 * @returns {Promise<number>} Its exit code; as a shell would have it if it was ended by a signal.
 */
export function runNode(args, variables = {}) {
  const path = `${binaries}${delimiter}${process.env.PATH ?? ""}`;
  return run(node, args, { env: { ...process.env, PATH: path, ...variables } });
}

/** pnpm keeps a copy of the lockfile it has installed from, and writes it last. */
function isInstalled() {
  const installed = join(root, "node_modules", ".pnpm", "lock.yaml");
  if (!existsSync(installed) || !existsSync(node)) return false;
  return readFileSync(installed).equals(readFileSync(join(root, "pnpm-lock.yaml")));
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {import("node:child_process").SpawnOptions} options
 * @returns {Promise<number>}
 */
function run(command, args, options) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: "inherit", ...options });
    // The child decides what to do; this process ends after it, with its exit code. A terminal
    // sends Ctrl-C to both, anything else has to be passed on.
    const ignore = () => {};
    const passOn = () => child.kill("SIGTERM");
    process.on("SIGINT", ignore);
    process.on("SIGTERM", passOn);
    /** @param {number} exitCode */
    const settle = (exitCode) => {
      process.off("SIGINT", ignore);
      process.off("SIGTERM", passOn);
      resolve(exitCode);
    };
    child.on("error", (error) => {
      console.error(`${command} could not be started: ${error.message}`);
      settle(127);
    });
    child.on("exit", (code, signal) => {
      settle(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  console.error(message);
  process.exit(1);
}
