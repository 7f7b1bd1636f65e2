import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { type Environment, type Finding, findOnPath, isExecutable } from "./environment.ts";
import type { LaunchPlan, PlanOptions, ServerProgram } from "./run-supervised.ts";

/**
 * The mongod named by `MONGOMS_SYSTEM_BINARY`, else the first one on the `PATH`.
 *
 * @throws Error if `MONGOMS_SYSTEM_BINARY` names something that cannot be run.
 */
export async function findInstalledMongod({ variables }: Environment): Promise<Finding> {
  const named = variables["MONGOMS_SYSTEM_BINARY"];
  if (named) {
    if (await isExecutable(named)) return { program: mongodProgram(named, `mongod at ${named}`) };
    throw new Error(`MONGOMS_SYSTEM_BINARY names ${named}, which is no program that can be run`);
  }
  const path = await findOnPath("mongod", variables);
  if (path !== undefined) return { program: mongodProgram(path, `mongod at ${path}`) };
  return { absent: "there is no mongod on the PATH and MONGOMS_SYSTEM_BINARY is not set" };
}

/** MongoDB's own server as a replica set of one, so that transactions and change streams work. */
export function mongodProgram(path: string, name: string): ServerProgram {
  return { name, plan: (options) => planMongod(path, options) };
}

async function planMongod(path: string, options: PlanOptions): Promise<LaunchPlan> {
  // A member of a replica set finds itself by its configured port, so mongod cannot pick the port.
  const port = await findFreePort();
  const replicaSet = `threadkeep-${randomBytes(4).toString("hex")}`;
  const sweep = options.ttlSweepSeconds;
  return {
    command: path,
    args: [
      ["--bind_ip", "127.0.0.1", "--port", String(port)],
      ["--dbpath", options.directory],
      ["--replSet", replicaSet, "--oplogSize", "256"],
      ["--wiredTigerCacheSizeGB", "0.5"],
      // Lets tests inject faults with `configureFailPoint`.
      ["--setParameter", "enableTestCommands=1"],
      sweep === undefined ? [] : ["--setParameter", `ttlMonitorSleepSecs=${sweep}`],
      // The socket would lie outside the server's directory and outlive a killed server.
      process.platform === "win32" ? [] : ["--nounixsocket"],
    ].flat(),
    files: {},
    readPort: (log) => (/waiting for connections/i.test(log) ? port : undefined),
    initiateReplicaSet: replicaSet,
  };
}

/** A TCP port of 127.0.0.1 that was free a moment ago; another process may take it before you do. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
