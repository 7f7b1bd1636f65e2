/** The program of a case's process: takes one order from its parent and sends back the result. */
import { once } from "node:events";
import type { CaseMessage } from "./fork-case-process.ts";
import { performCase, performStage, type CaseOrder } from "./perform-case.ts";

const PROGRESS_INTERVAL_MS = 200;

let lastProgressAt = 0;

function reportProgress(done: number, total: number, doing?: string): void {
  const now = performance.now();
  if (doing === undefined && now - lastProgressAt < PROGRESS_INTERVAL_MS) return;
  lastProgressAt = now;
  send({ kind: "progress", progress: doing === undefined ? [done, total] : [done, total, doing] });
}

function send(message: CaseMessage, sent: () => void = () => {}): void {
  process.send?.(message, sent);
}

/** Ends the process too: a case that failed may have left open what would keep it alive. */
function finish(message: CaseMessage): void {
  send(message, () => process.exit(0));
}

const [order] = (await once(process, "message")) as [CaseOrder];
try {
  const { stage } = order;
  const result =
    stage === undefined
      ? await performCase(order, reportProgress)
      : await performStage({ ...order, stage }, reportProgress);
  finish({ kind: "result", result });
} catch (error) {
  finish({ kind: "error", message: error instanceof Error ? error.message : String(error) });
}
