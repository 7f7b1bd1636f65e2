/**
 * Runs one server for as long as its own standard input stays open, in a process of its own.
 *
 * The other end of that pipe is held by the process that wanted the server. The system closes it
 * when that process ends, however it ends, SIGKILL included; then the server is killed and its
 * directory removed. If the server ends first, the reason is printed instead.
 */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { SupervisorOrder } from "./run-supervised.ts";

await supervise(JSON.parse(process.argv[2] ?? "") as SupervisorOrder);

async function supervise(order: SupervisorOrder): Promise<void> {
  mkdirSync(order.directory, { mode: 0o700 });
  try {
    for (const [name, text] of Object.entries(order.files)) {
      writeFileSync(join(order.directory, name), text);
    }
    const reason = await runUntilEnd(order);
    if (reason !== undefined) process.stdout.write(reason);
  } finally {
    await rm(order.directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
  process.stdin.destroy();
}

/** Resolves when the server is gone, with the reason if it went by itself. */
function runUntilEnd(order: SupervisorOrder): Promise<string | undefined> {
  // A file, not a pipe: a server never waits for somebody to read its log.
  const log = openSync(order.logFile, "w");
  const server = spawn(order.command, order.args, { stdio: ["ignore", log, log] });
  closeSync(log);
  if (server.pid !== undefined) {
    writeFileSync(order.pidFile, String(server.pid));
  }

  let wanted = false;
  const end = (): void => {
    wanted = true;
    // Its data goes with it, so there is nothing to shut down in order, and this cannot hang.
    server.kill("SIGKILL");
  };
  process.stdin.on("end", end).on("error", end).resume();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);

  return new Promise((resolve) => {
    server.on("error", (error) => resolve(`it could not be started: ${error.message}`));
    server.on("exit", (code, signal) => {
      if (wanted) return resolve(undefined);
      const lastLines = readFileSync(order.logFile, "utf8").trim().split("\n").slice(-8).join("\n");
      resolve(`it ended with ${signal ?? `exit code ${code}`}\n${lastLines}`.trim());
    });
  });
}
