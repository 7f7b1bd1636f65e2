import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { WorkerOrder, WorkerReport } from "./orders.ts";

/** A worker's process. */
export interface Worker {
  readonly name: string;
  readonly child: ChildProcess;
  state: "working" | "paused" | "killed";
  /** How many runs it has taken. */
  taken: number;
}

/** What the fleet's processes are told. */
export type FleetOrder = Omit<WorkerOrder, "name">;

/** The workers' processes: starts, kills, pauses and ends them. */
export class Fleet {
  readonly workers: Worker[] = [];
  readonly #order: FleetOrder;
  readonly #onTaken: (runId: string, token: number) => void;
  kills = 0;
  pauses = 0;
  #started = 0;

  constructor(order: FleetOrder, onTaken: (runId: string, token: number) => void) {
    this.#order = order;
    this.#onTaken = onTaken;
    // A process that is stopped cannot notice that this one ends.
    process.once("exit", () => {
      for (const { child } of this.workers) child.kill("SIGKILL");
    });
    process.once("SIGINT", () => process.exit(130));
  }

  /** Starts a worker and waits until it works. */
  async start(place = this.workers.length): Promise<void> {
    this.#started += 1;
    const name = `worker ${this.#started}`;
    const order: WorkerOrder = { ...this.#order, name };
    const child = fork(join(import.meta.dirname, "worker.ts"), [JSON.stringify(order)]);
    const worker: Worker = { name, child, state: "working", taken: 0 };
    const ready = Promise.withResolvers<void>();
    child.on("message", (report: WorkerReport) => {
      if (report.kind === "ready") return ready.resolve();
      worker.taken += 1;
      this.#onTaken(report.runId, report.token);
    });
    child.once("exit", () => ready.resolve());
    this.workers[place] = worker;
    await ready.promise;
  }

  /** Ends a worker without a warning. Another one is started in its place by {@link Fleet.start}. */
  async kill(worker: Worker): Promise<void> {
    const exited = once(worker.child, "exit");
    worker.state = "killed";
    worker.child.kill("SIGKILL");
    this.kills += 1;
    await exited;
  }

  /** Stops a worker's process for a while, as a busy machine or a sleeping laptop does. */
  pause(worker: Worker, milliseconds: number): void {
    worker.state = "paused";
    worker.child.kill("SIGSTOP");
    this.pauses += 1;
    setTimeout(() => {
      if (worker.state !== "paused") return;
      worker.state = "working";
      worker.child.kill("SIGCONT");
    }, milliseconds).unref();
  }

  /** Lets all workers end in good order. */
  async end(): Promise<void> {
    await Promise.all(
      this.workers.map(async ({ child }) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exited = once(child, "exit");
        child.kill("SIGCONT");
        child.kill("SIGTERM");
        await exited;
      }),
    );
  }
}
