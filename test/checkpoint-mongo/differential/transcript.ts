import type { RunnableConfig } from "@langchain/core/runnables";
import type { BaseCheckpointSaver, StateSnapshot } from "@langchain/langgraph";
import type { CheckpointPendingWrite, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { flatten } from "./find-difference.ts";
import { normalizeTuple } from "./normalize-tuple.ts";
import type { ProgramGraph } from "./build-graph.ts";
import type { Outcome, StreamedChunk } from "./run-program.ts";

/** Ids of checkpoints, tasks and interrupts, and times: they differ from run to run. */
const ID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{32}\b/g;
const NULL_TASK_ID = "00000000-0000-0000-0000-000000000000";
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;

/** Lines in which each id is replaced by how many came before it. */
export function nameIds(lines: readonly string[]): string[] {
  const names = new Map<string, string>([[NULL_TASK_ID, "#none"]]);
  const nameOf = (id: string) => {
    if (!names.has(id)) names.set(id, `#${names.size}`);
    return names.get(id)!;
  };
  return lines.map((line) => line.replaceAll(ID, nameOf).replaceAll(TIME, "(time)"));
}

function blank(value: unknown): string {
  return flatten(value).join("\n").replaceAll(ID, "#").replaceAll(TIME, "(time)");
}

/** Puts what comes in any order in one that is the same in each run. */
function sortBlanked<T>(items: readonly T[]): T[] {
  const keyed = items.map((item) => ({ item, key: blank(item) }));
  return keyed.toSorted((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key))).map((k) => k.item);
}

/** An operation's outcome, without what depends on which of several tasks was faster. */
export function describeOutcome({ streamed, returned, error }: Outcome): unknown {
  const namespaces = Map.groupBy(streamed, ([namespace]) => namespace.join("|"));
  const streams = Array.from(namespaces.values(), sortWithinSteps);
  return { streams: sortBlanked(streams), returned: returned && describeConfig(returned), error };
}

/** Tasks of one step finish in any order; whole values come after them. */
function sortWithinSteps(chunks: readonly StreamedChunk[]): StreamedChunk[] {
  const sorted: StreamedChunk[] = [];
  let step: StreamedChunk[] = [];
  const endStep = () => {
    sorted.push(...sortBlanked(step));
    step = [];
  };
  for (const chunk of chunks) {
    const [, mode, payload] = chunk;
    const endsStep = mode === "values" && !Object.hasOwn(payload as object, "__interrupt__");
    if (endsStep) endStep();
    step.push(chunk);
    if (endsStep) endStep();
  }
  endStep();
  return sorted;
}

/** All that can be read of a thread, by its graph and by its saver. */
export async function describeThread(
  graph: ProgramGraph,
  saver: BaseCheckpointSaver,
  threadId: string,
): Promise<unknown> {
  const config = { configurable: { thread_id: threadId } };
  const tuples = await Array.fromAsync(saver.list(config));
  const namespaces = Map.groupBy(tuples, (tuple) =>
    String(tuple.config.configurable?.["checkpoint_ns"]),
  );
  return {
    state: await attempt(async () =>
      describeState(await graph.getState(config, { subgraphs: true })),
    ),
    history: await attempt(async () => {
      const history = await Array.fromAsync(graph.getStateHistory(config));
      return history.map(describeState);
    }),
    namespaces: sortBlanked(Array.from(namespaces.values(), (own) => own.map(describeTuple))),
  };
}

/** LangGraph cannot show a state whose pending writes contradict each other. */
async function attempt(read: () => Promise<unknown>): Promise<unknown> {
  try {
    return await read();
  } catch (error) {
    return `error: ${(error as Error).message}`;
  }
}

function describeState(state: StateSnapshot): unknown {
  const { next, metadata, createdAt, config, parentConfig, tasks } = state;
  return {
    values: state.values as unknown,
    next,
    metadata,
    createdAt,
    config: describeConfig(config),
    parent: parentConfig && describeConfig(parentConfig),
    tasks: tasks.map(({ state: inner, ...task }) => {
      const innerState =
        inner && ("values" in inner ? describeState(inner) : describeConfig(inner));
      return { task, innerState };
    }),
  };
}

/** LangGraph's configs hold much besides the address. */
function describeConfig({ configurable }: RunnableConfig): unknown {
  const { thread_id, checkpoint_ns, checkpoint_id, checkpoint_map } = (configurable ??
    {}) as Record<string, unknown>;
  return { thread_id, checkpoint_ns, checkpoint_id, checkpoint_map };
}

/**
 * A checkpoint as in any run. The answers to several tasks come without their paths, so they are in
 * the order of the tasks' ids.
 */
function describeTuple(tuple: CheckpointTuple): unknown {
  const { pendingWrites = [] } = tuple;
  const isAnswer = ([, channel]: CheckpointPendingWrite) => channel === "__resume__";
  const others = pendingWrites.filter((write) => !isAnswer(write));
  const answers = sortBlanked(pendingWrites.filter(isAnswer));
  return normalizeTuple({ ...tuple, pendingWrites: [...answers, ...others] });
}
