import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { CaseOrder, ReportProgress } from "./perform-case.ts";

/** What a case's process sends. */
export type CaseMessage =
  | { readonly kind: "progress"; readonly progress: Parameters<ReportProgress> }
  | { readonly kind: "result"; readonly result: unknown }
  | { readonly kind: "error"; readonly message: string };

export interface ForkOptions {
  readonly progress: ReportProgress;
  /** Directory for CPU profiles of the process. */
  readonly profileDirectory?: string | undefined;
  /** Options of Node.js for the process. */
  readonly nodeOptions?: readonly string[] | undefined;
}

/**
 * Runs a case, or a stage of one, in a process of its own, so that no case finds warm code or a full
 * heap of another.
 *
 * @throws Error with the case's own message if it fails
 */
export function forkCaseProcess<Result>(
  order: CaseOrder,
  { progress, profileDirectory, nodeOptions = [] }: ForkOptions,
): Promise<Result> {
  const child = fork(fileURLToPath(new URL("case-process.ts", import.meta.url)), {
    execArgv: [
      "--conditions=@threadkeep/source",
      ...nodeOptions,
      ...(profileDirectory === undefined
        ? []
        : ["--cpu-prof", `--cpu-prof-dir=${profileDirectory}`]),
    ],
    serialization: "advanced",
    // Standard output belongs to the tables.
    stdio: ["ignore", 2, 2, "ipc"],
  });
  child.send(order);
  return new Promise((resolve, reject) => {
    let outcome: CaseMessage | undefined;
    child.on("message", (message) => {
      const received = message as CaseMessage;
      if (received.kind === "progress") progress(...received.progress);
      else outcome = received;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (outcome?.kind === "result") resolve(outcome.result as Result);
      else if (outcome?.kind === "error") reject(new Error(outcome.message));
      else reject(new Error(`The process of the case ended with ${signal ?? `code ${code}`}.`));
    });
  });
}
