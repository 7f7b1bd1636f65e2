import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { WorkerOrder } from "../../faults/runs/worker-order.ts";

const PROGRAM = fileURLToPath(new URL("../../faults/runs/worker-process.ts", import.meta.url));

/** Starts a worker's process, and waits until it works. */
export async function startWorkerProcess(order: WorkerOrder): Promise<ChildProcess> {
  const child = fork(PROGRAM, [JSON.stringify(order)], {
    execArgv: ["--conditions=@threadkeep/source", "--no-warnings"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  await Promise.race([once(child, "message"), once(child, "exit")]);
  return child;
}

/** Ends a worker's process at once. */
export async function killWorkerProcess(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
