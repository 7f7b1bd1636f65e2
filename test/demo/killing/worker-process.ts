import { spawn, type ChildProcess } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { fileURLToPath } from "node:url";
import type { WorkerEvent } from "../worker/worker-events.ts";

const WORKER_PATH = fileURLToPath(new URL("../worker/worker.ts", import.meta.url));

/** How a worker ended. */
export interface WorkerExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/**
 * One life of the agent: a process that is given a thread id. Emits `event` with what it reports.
 */
export class WorkerProcess extends EventEmitter<{ event: [WorkerEvent] }> {
  readonly pid: number;
  /** Resolves when the process is gone and its last event has been emitted. */
  readonly exited: Promise<WorkerExit>;
  readonly #child: ChildProcess;
  #errorOutput = "";

  private constructor(child: ChildProcess, pid: number) {
    super();
    this.#child = child;
    this.pid = pid;
    child.on("message", (event) => this.emit("event", event as WorkerEvent));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.#errorOutput += text));
    this.exited = this.#end();
  }

  /**
   * Starts a worker.
   *
   * @param environment - Variables beside those of this process.
   */
  static async start(
    threadId: string,
    environment: Record<string, string>,
  ): Promise<WorkerProcess> {
    const child = spawn(
      process.execPath,
      ["--conditions=@threadkeep/source", WORKER_PATH, threadId],
      {
        env: { ...process.env, ...environment },
        stdio: ["ignore", "ignore", "pipe", "ipc"],
        // Ctrl-C reaches a terminal's whole process group; here one process alone decides who ends
        // when.
        detached: true,
      },
    );
    await once(child, "spawn");
    if (child.pid === undefined)
      throw new Error(`Node.js spawned no process for thread ${threadId}.`);
    return new WorkerProcess(child, child.pid);
  }

  /** What it wrote on stderr so far. */
  get errorOutput(): string {
    return this.#errorOutput.trim();
  }

  /**
   * Ends it without a warning: SIGKILL cannot be caught, so nothing is written, closed or handed
   * over.
   */
  async kill(): Promise<WorkerExit> {
    this.#child.kill("SIGKILL");
    return this.exited;
  }

  async #end(): Promise<WorkerExit> {
    const last = [once(this.#child, "close"), once(this.#child, "disconnect")];
    const [code, signal] = (await once(this.#child, "exit")) as [
      number | null,
      NodeJS.Signals | null,
    ];
    await Promise.all(last);
    return { code, signal };
  }
}
