import { Command, type BaseCheckpointSaver, type StateSnapshot } from "@langchain/langgraph";
import { buildGraph } from "./build-graph.ts";
import { makeUpdate } from "./channels.ts";
import { generateProgram } from "./generate-program.ts";
import { listGraphs, listKinds, type Durability, type GraphSpec, type Program } from "./program.ts";

const TURNS = 2;
/** A session that takes more runs than this goes round and round. */
const MAX_RUNS = 40;

/**
 * A conversation that one process can go on with wherever another one has ended: a few turns, in which
 * every question is answered.
 */
export interface Session {
  readonly seed: number;
  readonly root: GraphSpec;
  readonly durability: Durability;
}

/** Makes the session of a seed, or nothing where LangGraph does not promise the same end after a kill. */
export function makeSession(seed: number): Session | undefined {
  const program = generateProgram(seed);
  const { operations } = program;
  const durability = operations[0]!.durability === "async" ? "async" : "sync";
  return isRepeatable(program) ? { seed, durability, root: program.root } : undefined;
}

function isRepeatable(program: Program): boolean {
  const nodes = Array.from(listGraphs(program.root)).flatMap((graph) => graph.nodes);
  return (
    // What such a channel holds when it is put depends on how fast the saver is.
    !listKinds(program).has("mutates-left") &&
    // A second question gets the answer to the first where a process ended between question and answer.
    nodes.every(({ asks }) => asks < 2) &&
    // A graph with a state of its own continues with that, whether its parent called it again or not.
    nodes.every(({ subgraph }) => subgraph?.checkpointer !== "own")
  );
}

/** Holds a session from where it is to its end. */
export async function holdSession(
  { root, durability }: Session,
  saver: BaseCheckpointSaver,
  threadId: string,
): Promise<void> {
  const graph = buildGraph(root, { broken: new Set() }, saver);
  const config = { configurable: { thread_id: threadId }, durability };
  const log = root.channels[0]!.name;
  for (let run = 0; run < MAX_RUNS; run += 1) {
    const state = await graph.getState(config);
    const logged = ((state.values as Record<string, unknown>)[log] as string[] | undefined) ?? [];
    const turn = logged.filter((entry) => entry.startsWith("turn ")).length;
    // Where a process ended after the last task of a step, `next` is empty though the step is not over.
    if (state.tasks.length > 0) {
      await graph.invoke(makeAnswers(state), config);
    } else if (turn < TURNS) {
      const writer = `turn ${turn}`;
      const channels = root.channels.slice(1).map(({ name }) => name);
      const update = makeUpdate(root.channels, channels, { writer, beat: turn });
      await graph.invoke({ ...update, [log]: [writer] }, config);
    } else {
      return;
    }
  }
  throw new Error(`A session is not over after ${MAX_RUNS} runs.`);
}

function makeAnswers({ tasks }: StateSnapshot): Command | null {
  const asked = tasks.flatMap(({ interrupts }) => interrupts);
  const answers = asked.map(({ id, value }) => [id!, `answer to ${String(value)}`] as const);
  return asked.length === 0 ? null : new Command({ resume: Object.fromEntries(answers) });
}

/** What a session has led to: each state of the graph, newest first. */
export async function readSession(
  { root }: Session,
  saver: BaseCheckpointSaver,
  threadId: string,
): Promise<unknown[]> {
  const graph = buildGraph(root, { broken: new Set() }, saver);
  const history = await Array.fromAsync(
    graph.getStateHistory({ configurable: { thread_id: threadId } }),
  );
  return history.map(({ values, next, metadata }) => ({
    values: values as unknown,
    next,
    step: metadata?.step,
    source: metadata?.source,
  }));
}
