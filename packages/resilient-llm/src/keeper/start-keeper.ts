import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import util from "node:util";
import type { KeeperBounds } from "./keeper-protocol.ts";

/** What a keeper is told when it is started. Nothing of it is a secret. */
export interface KeeperOrder {
  /** The folder of its socket and its address. */
  readonly folder: string;
  /** The address file. */
  readonly file: string;
  /** It listens on a port of the loopback interface. Windows has no sockets in folders. */
  readonly onLoopback: boolean;
  readonly bounds: KeeperBounds;
}

/** What a request needs of the environment. Keys are not among it: they come with each request. */
const NETWORK_VARIABLES = [
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "NODE_EXTRA_CA_CERTS",
  "NODE_TLS_REJECT_UNAUTHORIZED",
  "NODE_USE_ENV_PROXY",
  "NODE_USE_SYSTEM_CA",
  "OPENSSL_CONF",
  "SSL_CERT_DIR",
  "SSL_CERT_FILE",
] as const;

/** What a process needs of it anywhere. */
const SYSTEM_VARIABLES = ["PATH", "HOME", "TMPDIR", "SystemRoot", "TEMP"] as const;

const READY_WITHIN_MS = 10_000;
const PACKAGE = "@threadkeep/resilient-llm";

function pickVariables(names: readonly string[]): Record<string, string> {
  const set = names.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(set);
}

/** The settings of the network that a keeper takes over from the process that starts it. */
export function readNetworkSettings(): Record<string, string> {
  return pickVariables(NETWORK_VARIABLES);
}

/** This file, in whichever build of the package, as neither way of asking for it works in both. */
function findThisFile(): string {
  const script = util.getCallSites(1, { sourceMap: false })[0]?.scriptName ?? "";
  return script.startsWith("file:") ? fileURLToPath(script) : script;
}

/** Where this package lies. */
export interface PackageFiles {
  readonly version: string;
  /** The program of a keeper. */
  readonly program: string;
}

/** Finds this package. `undefined`: its files are not where they were published. */
export function findPackage(): PackageFiles | undefined {
  const own = findThisFile();
  for (let folder = dirname(own); folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, "package.json");
    if (!existsSync(file)) continue;
    const { name, version } = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    if (name !== PACKAGE) continue;
    const built = join(folder, "dist", "esm", "keeper", "keeper-program.js");
    const source = join(dirname(own), "keeper-program.ts");
    const program = own.endsWith(".ts") ? source : built;
    return existsSync(program) ? { version: String(version), program } : undefined;
  }
  return undefined;
}

function awaitReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let report = "";
    const fail = (reason: string) => reject(new Error(`The keeper did not start: ${reason}`));
    const timer = setTimeout(() => fail("it was not ready in time"), READY_WITHIN_MS);
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (report += text));
    child.stdout?.once("data", () => {
      clearTimeout(timer);
      resolve();
    });
    child.once("error", (error) => fail(error.message));
    child.once("close", (code) => {
      clearTimeout(timer);
      fail(report.trim() || `it ended with code ${code}`);
    });
  });
}

/**
 * Starts a keeper, which outlives this process. Fulfilled when one is ready: this one, or another one that was there.
 *
 * @throws if it cannot be started
 */
export async function startKeeper(program: string, order: KeeperOrder): Promise<void> {
  const child = spawn(process.execPath, [program, JSON.stringify(order)], {
    detached: true,
    // It must not keep a folder that a deploy wants to remove.
    cwd: order.folder,
    env: {
      ...pickVariables(SYSTEM_VARIABLES),
      ...readNetworkSettings(),
      // In Electron, `process.execPath` is a program with windows otherwise.
      ELECTRON_RUN_AS_NODE: "1",
    },
    stdio: ["ignore", "pipe", "pipe"],
    windowsHide: true,
  });
  try {
    await awaitReady(child);
  } finally {
    child.removeAllListeners();
    child.stdout?.destroy();
    child.stderr?.destroy();
    child.unref();
  }
}
