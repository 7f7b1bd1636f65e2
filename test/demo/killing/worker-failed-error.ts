import type { WorkerExit, WorkerProcess } from "./worker-process.ts";

/** A worker ended by itself, and not because its work was done. */
export class WorkerFailedError extends Error {
  override readonly name = "WorkerFailedError";

  constructor(threadId: string, worker: WorkerProcess, { code, signal }: WorkerExit) {
    super(
      `Worker ${worker.pid} of thread ${threadId} ended by itself with ${signal ?? `code ${code}`}. ` +
        `It said:\n${worker.errorOutput}`,
    );
  }
}
