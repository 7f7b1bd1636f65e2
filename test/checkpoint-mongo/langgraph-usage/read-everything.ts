import type { RunnableConfig } from "@langchain/core/runnables";
import type { BaseCheckpointSaver, CheckpointTuple } from "@langchain/langgraph-checkpoint";

/** All tuples of a thread. */
export interface Everything {
  readonly latest: CheckpointTuple | undefined;
  readonly listed: CheckpointTuple[];
  readonly single: (CheckpointTuple | undefined)[];
}

/** Everything that a saver gives of a thread: each checkpoint by itself, all in a list, the latest. */
export async function readEverything(
  saver: BaseCheckpointSaver,
  threadId: string,
): Promise<Everything> {
  const listed = await list(saver, { configurable: { thread_id: threadId } });
  const single: (CheckpointTuple | undefined)[] = [];
  for (const { config } of listed) single.push(await saver.getTuple(config));
  const latest = await saver.getTuple({ configurable: { thread_id: threadId } });
  return { latest, listed, single };
}

/**
 * As {@link readEverything}, without values of channels that have no version yet. LangGraph does not
 * name them in `newVersions`, and its conformance suite has savers leave them out of a thread's first
 * checkpoint; `MemorySaver` keeps them.
 */
export async function readVersioned(
  saver: BaseCheckpointSaver,
  threadId: string,
): Promise<Everything> {
  const everything = await readEverything(saver, threadId);
  for (const tuple of [everything.latest, ...everything.listed, ...everything.single]) {
    if (tuple === undefined) continue;
    const { channel_values: values, channel_versions: versions } = tuple.checkpoint;
    const named = Object.entries(values).filter(([channel]) => Object.hasOwn(versions, channel));
    tuple.checkpoint.channel_values = Object.fromEntries(named);
  }
  return everything;
}

/** All that a saver lists; savers differ in the order of namespaces, which LangGraph leaves open. */
export async function list(
  saver: BaseCheckpointSaver,
  ...args: Parameters<BaseCheckpointSaver["list"]>
): Promise<CheckpointTuple[]> {
  const tuples = await Array.fromAsync(saver.list(...args));
  const namespaces = new Set(tuples.map(namespaceOf));
  return [...namespaces]
    .toSorted()
    .flatMap((namespace) => tuples.filter((tuple) => namespaceOf(tuple) === namespace));
}

function namespaceOf({ config }: CheckpointTuple): string {
  return config.configurable?.["checkpoint_ns"] as string;
}

/** The id of the checkpoint that a config names. */
export function idOf(config: RunnableConfig | undefined): string | undefined {
  return config?.configurable?.["checkpoint_id"] as string | undefined;
}
