import { GraphGenerator } from "./generate-graph.ts";
import { OperationGenerator } from "./generate-operations.ts";
import type { Program } from "./program.ts";
import { Random } from "./random.ts";

/** Makes the program of a seed. */
export function generateProgram(seed: number): Program {
  const random = new Random(seed);
  const traits = { fails: random.chance(0.4), nests: random.chance(0.45) };
  const root = new GraphGenerator(random, traits).makeGraph(0);
  const operations = new OperationGenerator(random, traits, root).makeOperations();
  return { seed, root, operations };
}
