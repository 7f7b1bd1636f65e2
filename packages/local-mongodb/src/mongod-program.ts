import { randomBytes } from "node:crypto";
import { findFreePort } from "./find-free-port.ts";
import type { LaunchPlan, PlanOptions, ServerProgram } from "./server-program.ts";

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
