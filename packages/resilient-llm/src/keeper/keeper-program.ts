/**
 * The program of a keeper: a process of its own that makes the requests of agents and keeps what is answered, so
 * that an answer outlives the agent that asked. It writes no answer, prompt or key anywhere.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { openFolder, publishAddress, readAddress, withdrawAddress } from "./keeper-address.ts";
import { isAlive } from "./keeper-connection.ts";
import { KeeperServer } from "./keeper-server.ts";
import type { KeeperOrder } from "./start-keeper.ts";

const TOKEN_BYTES = 32;
/** How often it looks whether it is still needed. */
const CHECKS_PER_IDLE_TIME = 4;
const LONGEST_PAUSE_MS = 60_000;

async function keep({ bounds, file, folder, onLoopback }: KeeperOrder): Promise<void> {
  await openFolder(folder);
  const token = randomBytes(TOKEN_BYTES).toString("hex");
  const server = new KeeperServer(token, bounds);
  const socket = join(folder, `${randomBytes(4).toString("hex")}.sock`);
  server.http.listen(onLoopback ? { host: "127.0.0.1", port: 0 } : { path: socket });
  await once(server.http, "listening");
  const listen = onLoopback ? (server.http.address() as AddressInfo).port : socket;
  const address = { listen, token, pid: process.pid };

  const end = async (): Promise<void> => {
    await withdrawAddress(file, address);
    if (!onLoopback) await rm(socket, { force: true });
    process.exit(0);
  };
  // Whoever started it may be gone, and the pipe with it.
  process.stdout.on("error", () => undefined);
  process.stderr.on("error", () => undefined);
  // A terminal that is closed, and Ctrl+C in it, are meant for the agents.
  process.on("SIGHUP", () => undefined);
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => void end());

  const isOnDuty = await publishAddress(file, address, isAlive);
  process.stdout.write("ready\n");
  if (!isOnDuty) await end();

  const look = async (): Promise<void> => {
    const isFound = (await readAddress(file))?.token === token;
    // Nobody finds a keeper whose address is gone. It ends as soon as nothing is left to read.
    if (server.idleMs > bounds.idleMs || (!isFound && server.isEmpty)) await end();
  };
  const pauseMs = Math.min(bounds.idleMs / CHECKS_PER_IDLE_TIME, LONGEST_PAUSE_MS);
  setInterval(() => void look(), pauseMs);
}

try {
  await keep(JSON.parse(process.argv[2] ?? "{}") as KeeperOrder);
} catch (error) {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
}
