import type { RunnableConfig } from "@langchain/core/runnables";
import { START, type BaseCheckpointSaver, type StateSnapshot } from "@langchain/langgraph";
import type { CheckpointPendingWrite, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { flatten } from "./find-difference.ts";
import { ORDERS_WRITES } from "./langgraph-version.ts";
import { normalizeTuple } from "./normalize-tuple.ts";
import type { ProgramGraph } from "./build-graph.ts";
import type { Outcome, StreamedChunk } from "./run-program.ts";

/** Ids of checkpoints, tasks and interrupts, and times: they differ from run to run. */
const ID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{32}\b/g;
const NULL_TASK_ID = "00000000-0000-0000-0000-000000000000";
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;

/** Gives each id the number in which it came up, so that two runs have the same. */
class IdNames {
  private readonly names = new Map<string, string>([[NULL_TASK_ID, "#none"]]);

  nameAll(lines: readonly string[]): string[] {
    return lines.map((line) => replaceIds(line, (id) => this.nameOf(id)));
  }

  /** What a value is with the names that there are by now. */
  describe(value: unknown): string {
    return replaceIds(flatten(value).join("\n"), (id) => this.names.get(id) ?? "#");
  }

  private nameOf(id: string): string {
    const name = this.names.get(id) ?? `#${this.names.size}`;
    this.names.set(id, name);
    return name;
  }
}

function replaceIds(text: string, nameOf: (id: string) => string): string {
  return text.replaceAll(ID, nameOf).replaceAll(TIME, "(time)");
}

/** Puts what comes in any order in one that is the same in each run. */
function sortBy<T>(items: readonly T[], describe: (item: T) => string): T[] {
  const keyed = items.map((item) => ({ item, key: describe(item) }));
  return keyed.toSorted((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key))).map((k) => k.item);
}

function sortBlanked<T>(items: readonly T[]): T[] {
  const names = new IdNames();
  return sortBy(items, (item) => names.describe(item));
}

/**
 * A run and what is left of it, line by line, without what differs from run to run.
 *
 * @param outcomes of the operations, as far as they are to be compared
 */
export async function transcribe(
  outcomes: readonly Outcome[],
  graph: ProgramGraph,
  saver: BaseCheckpointSaver,
  threadId: string,
): Promise<string[]> {
  const { namespaces, ...thread } = await describeThread(graph, saver, threadId);
  const names = new IdNames();
  const describe = (part: unknown) => names.describe(part);
  // What tells the ids apart comes first.
  const lines = names.nameAll(flatten({ thread }));
  lines.push(...names.nameAll(flatten({ namespaces: sortBy(namespaces, describe) })));
  for (const { streamed, returned, error } of outcomes) {
    // An error may overtake what was streamed before it.
    const streams = error === undefined ? sortBy(listStreams(streamed), describe) : [];
    const outcome = { streams, returned: returned && describeConfig(returned), error };
    lines.push(...names.nameAll(flatten({ outcome })));
  }
  return lines;
}

/** What each graph streamed, without what depends on which of several tasks was faster. */
function listStreams(streamed: readonly StreamedChunk[]): StreamedChunk[][] {
  const namespaces = Map.groupBy(streamed, ([namespace]) => namespace.join("|"));
  return Array.from(namespaces.values(), sortWithinSteps);
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
async function describeThread(
  graph: ProgramGraph,
  saver: BaseCheckpointSaver,
  threadId: string,
): Promise<{ state: unknown; history: unknown; namespaces: unknown[] }> {
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
    namespaces: Array.from(namespaces.values(), (own) => own.map(describeTuple)),
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
    parent: ORDERS_WRITES ? parentConfig && describeConfig(parentConfig) : undefined,
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
 * A checkpoint as in any run. Its input may have been changed by a reducer. The answers to several tasks come without their paths, so they are in
 * the order of the tasks' ids.
 */
function describeTuple(tuple: CheckpointTuple): unknown {
  const { checkpoint, pendingWrites = [] } = tuple;
  const { [START]: _, ...channel_values } = checkpoint.channel_values;
  const hasOrder = ([, channel]: CheckpointPendingWrite) =>
    ORDERS_WRITES && channel !== "__resume__";
  const ordered = pendingWrites.filter(hasOrder);
  const names = new IdNames();
  const unordered = pendingWrites.filter((write) => !hasOrder(write));
  return {
    tuple: normalizeTuple({
      ...tuple,
      checkpoint: { ...checkpoint, channel_values },
      pendingWrites: ordered,
    }),
    unordered: unordered.map((write) => names.describe(write)).toSorted(),
  };
}
