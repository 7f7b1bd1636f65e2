import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { count, type Proof, type RunEvidence } from "./proof.ts";

/** LangGraph numbers the checkpoint of the input -1. */
const FIRST_STEP = -1;

/**
 * From the checkpoint history: in each namespace the checkpoints form one chain from parent to
 * child, and their steps count up by one. A superstep that ran twice would leave two children of
 * one parent, or a step twice.
 */
export function proveUnbrokenHistory({ history }: RunEvidence): Proof {
  const namespaces = new Set(history.map(namespaceOf));
  const violations: string[] = [];
  const figures: string[] = [];
  for (const namespace of [...namespaces].toSorted()) {
    const checkpoints = history.filter((tuple) => namespaceOf(tuple) === namespace);
    const name = namespace.split(":")[0] || "graph";
    violations.push(...findBreaks(name, checkpoints));
    figures.push(`${name}: ${count(checkpoints.length, "checkpoint")}`);
  }
  if (!namespaces.has("")) violations.push("The graph itself has no checkpoint.");
  if (namespaces.size < 2) violations.push("No subgraph has a checkpoint.");
  return {
    claim: "The checkpoint history is one unbroken chain",
    figures: figures.join(", "),
    violations,
  };
}

function namespaceOf({ config }: CheckpointTuple): string {
  return String(config.configurable?.["checkpoint_ns"] ?? "");
}

function findBreaks(name: string, checkpoints: readonly CheckpointTuple[]): string[] {
  const violations: string[] = [];
  const byId = new Map(checkpoints.map((tuple) => [tuple.checkpoint.id, tuple]));
  const parents = new Set<string>();
  for (const { checkpoint, metadata, parentConfig } of checkpoints) {
    const step = metadata?.step ?? Number.NaN;
    const parentId = parentConfig?.configurable?.["checkpoint_id"] as string | undefined;
    if (parentId === undefined) {
      if (step !== FIRST_STEP)
        violations.push(`${name}: step ${step} (${checkpoint.id}) has no parent.`);
      continue;
    }
    if (parents.has(parentId))
      violations.push(`${name}: checkpoint ${parentId} has two children, so a step ran twice.`);
    parents.add(parentId);
    const parent = byId.get(parentId);
    if (!parent)
      violations.push(`${name}: step ${step} has a parent that is not there, ${parentId}.`);
    else if (parent.metadata?.step !== step - 1)
      violations.push(`${name}: step ${step} follows step ${parent.metadata?.step}.`);
  }
  const roots = checkpoints.filter(
    ({ parentConfig }) => !parentConfig?.configurable?.["checkpoint_id"],
  ).length;
  if (roots !== 1)
    violations.push(`${name}: ${roots} checkpoints without a parent, where one begins the chain.`);
  return violations;
}
