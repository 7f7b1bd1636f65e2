import * as checkpointPackage from "@langchain/langgraph-checkpoint";
import type { CheckpointPendingWrite, CheckpointTuple } from "@langchain/langgraph-checkpoint";

/** Whether this version says in which order a saver returns pending writes. */
export const ORDERS_WRITES: boolean = "compareWritesSortKeys" in checkpointPackage;

/** What two savers must return alike of a checkpoint. */
export function normalizeTuple(tuple: CheckpointTuple): unknown {
  const { config, checkpoint, metadata, parentConfig, pendingWrites } = tuple;
  const { v, id, ts, channel_values, channel_versions, versions_seen, ...others } = checkpoint;
  // Whether a thread's first checkpoint keeps channels that were never written to, and so hold what the
  // graph gives them anyway, is left to the saver: `newVersions` does not name them.
  const values =
    parentConfig === undefined
      ? Object.entries(channel_values).filter(([channel]) => channel in channel_versions)
      : Object.entries(channel_values);
  return {
    config: normalizeConfig(config.configurable),
    checkpoint: {
      v,
      id,
      ts,
      channel_values: Object.fromEntries(values),
      channel_versions,
      versions_seen,
      ...others,
    },
    metadata,
    parent: normalizeConfig(parentConfig?.configurable),
    pendingWrites: normalizeWrites(pendingWrites ?? []),
  };
}

/** What two savers must list alike: each namespace in its order, the namespaces in any. */
export function normalizeList(tuples: readonly CheckpointTuple[]): unknown {
  const byNamespace = Map.groupBy(tuples, ({ config }) =>
    String(config.configurable?.["checkpoint_ns"]),
  );
  return [...byNamespace]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, own]) => own.map(normalizeTuple));
}

/** LangGraph's own saver returns a config as it came, with all that LangGraph put into it. */
function normalizeConfig(configurable: Record<string, unknown> | undefined): unknown {
  if (configurable === undefined) return undefined;
  const { thread_id: thread, checkpoint_ns: namespace, checkpoint_id: id } = configurable;
  return { thread, namespace: namespace ?? "", id };
}

function normalizeWrites(writes: readonly CheckpointPendingWrite[]): unknown {
  if (ORDERS_WRITES) return writes;
  return writes.map((write) => JSON.stringify(write)).toSorted();
}
