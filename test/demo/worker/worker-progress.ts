import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { CheckpointPlace, TaskPlace, WorkerEvent } from "./worker-events.ts";
import { storedTasks } from "../killing/stored-tasks.ts";

/** What a run streams with subgraphs, in one mode or another. */
type RunPart = [namespace: string[], mode: string, part: unknown];

interface StreamedTask {
  id: string;
  name: string;
  /** Only on the task's begin. */
  input?: unknown;
  /** Only on the task's end. */
  result?: unknown;
}

interface StreamedCheckpoint {
  config: { configurable?: { checkpoint_id?: string } };
  metadata?: { step: number; source: string };
}

/**
 * Turns what a run streams into events for whoever watches.
 *
 * @param saved - The checkpoint the run continues from, if there was one.
 */
export async function reportProgress(
  saved: CheckpointTuple | undefined,
  run: AsyncIterable<unknown>,
  report: (event: WorkerEvent) => void,
): Promise<void> {
  const keptTasks = new Set(saved && storedTasks(saved));
  report({
    type: "ready",
    ...(saved && { from: { ...placeOf(saved), storedTasks: [...keptTasks] } }),
  });

  const stepByNamespace = new Map<string, number>();
  const begun = new Map<string, TaskPlace>();
  for await (const [namespace, mode, part] of run as AsyncIterable<RunPart>) {
    const path = namespace.map((level) => level.split(":")[0] ?? level);
    const key = namespace.join("|");
    if (mode === "checkpoints") {
      const { config, metadata } = part as StreamedCheckpoint;
      const from = {
        checkpointId: config.configurable?.checkpoint_id ?? "",
        step: metadata?.step ?? -1,
      };
      // The first checkpoint of a namespace is its input's, unless an earlier process had got
      // further.
      if (path.length > 0 && !stepByNamespace.has(key) && metadata?.source !== "input")
        report({ type: "subgraph-resumed", path, from });
      stepByNamespace.set(key, from.step);
      continue;
    }
    if (mode !== "tasks") continue;
    const { id, name, input, result } = part as StreamedTask;
    // A resumed superstep announces all of its tasks, also those it will not run again.
    if (keptTasks.has(id)) continue;
    const known = begun.get(id);
    if (result !== undefined && known) {
      report({ type: "task-done", task: known });
      continue;
    }
    const subject = subjectOf(input);
    const task = {
      id,
      path: [...path, name],
      step: (stepByNamespace.get(key) ?? -1) + 1,
      ...(subject !== undefined && { subject }),
    };
    begun.set(id, task);
    report({ type: "task-begun", task });
  }
  report({ type: "finished" });
}

function placeOf({ checkpoint, metadata }: CheckpointTuple): CheckpointPlace {
  return { checkpointId: checkpoint.id, step: metadata?.step ?? -1 };
}

/** The parallel analysts each get one piece of evidence, told apart by its source. */
function subjectOf(input: unknown): string | undefined {
  return typeof input === "object" && input !== null && "source" in input
    ? String(input.source)
    : undefined;
}
