import type { CostSnapshot } from "@threadkeep/resilient-llm";
import type { ModelReport } from "./model-reports.ts";

/** A checkpoint, as a line of the timeline names it. */
export interface CheckpointPlace {
  checkpointId: string;
  /** Superstep, counted from -1 for the input. */
  step: number;
}

/**
 * What a worker process tells the process that started it. Reports only: nothing in here steers the
 * agent.
 */
export type WorkerEvent =
  /** It looked for its thread. Without `from` there was none, and it begins. */
  | { type: "ready"; from?: CheckpointPlace & { storedTasks: string[] } }
  /** A subgraph that an earlier process had begun continues from a checkpoint of its own. */
  | { type: "subgraph-resumed"; path: string[]; from: CheckpointPlace }
  | { type: "task-begun" | "task-done"; task: TaskPlace }
  /** An attempt to get an answer has ended, or what follows from that; `costs` is the process's sum. */
  | { type: "model"; report: ModelReport; costs: CostSnapshot }
  /** The graph has reached its end. */
  | { type: "finished" };

/** A task of the graph, as a line of the timeline names it. */
export interface TaskPlace {
  id: string;
  /** Node names from the outermost graph to the task's own node. */
  path: string[];
  /** Superstep of the task's own graph. */
  step: number;
  /** What it works on, where several tasks of one node run side by side. */
  subject?: string;
}
