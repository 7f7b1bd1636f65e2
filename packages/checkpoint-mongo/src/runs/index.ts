import "../check-node.ts";
export { CorruptRunError } from "../errors/corrupt-run-error.ts";
export { RunConflictError } from "../errors/run-conflict-error.ts";
export { RunLeaseLostError } from "../errors/run-lease-lost-error.ts";
export { RunNotFoundError } from "../errors/run-not-found-error.ts";
export { RunStateError } from "../errors/run-state-error.ts";
export {
  ThreadkeepError,
  type ThreadkeepErrorCode,
  type ThreadkeepErrorOptions,
} from "../errors/threadkeep-error.ts";
export { UnknownGraphError } from "../errors/unknown-graph-error.ts";
export type { Dispatcher, DispatcherContext, DueRun } from "./dispatcher.ts";
export { type Answer, durableSleep, sleepUntil, waitForAnswer } from "./durable-sleep.ts";
export type {
  ReportRunEvent,
  RunEvent,
  RunLeaseLostEvent,
  RunRecordedEvent,
  RunsNotAcceptedEvent,
  RunsNotWatchedEvent,
  RunTakenEvent,
  WorkerFailureEvent,
} from "./events.ts";
export type { GraphHolder, Graphs, GraphState, RunnableGraph, VersionedGraph } from "./graphs.ts";
export type { RecoveryWorkerOptions, RunHandlerOptions } from "./handler-options.ts";
export type { RunSearch } from "./list-options.ts";
export { RecoveryWorker } from "./recovery-worker.ts";
export { createRunHandler, type HandleOptions, type RunHandler } from "./run-handler.ts";
export type { Run, RunError, RunInterrupt, RunStatus } from "./run.ts";
export type { RunsOptions, RunsSaver } from "./runs-options.ts";
export { createRuns, type RunPage, Runs, type StartOptions } from "./runs.ts";
