import { GraphGenerator } from "./generate-graph.ts";
import { OperationGenerator } from "./generate-operations.ts";
import { ORDERS_WRITES } from "./langgraph-version.ts";
import { listKinds, type Operation, type Program } from "./program.ts";
import { Random } from "./random.ts";

/** Makes the program of a seed. */
export function generateProgram(seed: number): Program {
  const random = new Random(seed);
  const traits = { fails: random.chance(0.4), nests: random.chance(0.45) };
  const root = new GraphGenerator(random, traits).makeGraph(0);
  const operations = new OperationGenerator(random, traits, root).makeOperations();
  return adaptToVersion({ seed, root, operations });
}

/**
 * Where a checkpoint may be the child of itself, LangGraph's own saver never finds the end of a delta
 * channel's history.
 */
function adaptToVersion(program: Program): Program {
  const hasDelta = Array.from(listKinds(program)).some((kind) => kind.startsWith("delta"));
  if (ORDERS_WRITES || !hasDelta) return program;
  const operations = program.operations.map((operation): Operation =>
    operation.durability === "exit" ? Object.assign(operation, { durability: "sync" }) : operation,
  );
  return { ...program, operations };
}
