import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { ORDERS_WRITES } from "./langgraph-version.ts";

/** What two savers must return alike of a checkpoint. */
export function normalizeTuple(tuple: CheckpointTuple): unknown {
  const { config, checkpoint, metadata, parentConfig, pendingWrites } = tuple;
  const { v, id, ts, channel_values, channel_versions, versions_seen, ...others } = checkpoint;
  // Whether a thread's first checkpoint keeps channels that were never written to, and so hold what the
  // graph gives them anyway, is left to the saver: `newVersions` does not name them.
  const mayBeFirst = parentConfig === undefined || !ORDERS_WRITES;
  const values = Object.entries(channel_values).filter(
    ([channel]) => !mayBeFirst || channel in channel_versions,
  );
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
    // Of a checkpoint that is put as child of itself, each saver has another parent.
    parent: ORDERS_WRITES ? normalizeConfig(parentConfig?.configurable) : undefined,
    pendingWrites: pendingWrites ?? [],
  };
}

/** What two savers must list alike: each namespace in its order, the namespaces in any. */
export function normalizeList(tuples: readonly CheckpointTuple[]): unknown {
  const byNamespace = Map.groupBy(tuples, ({ config }) =>
    String(config.configurable?.["checkpoint_ns"]),
  );
  return [...byNamespace]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, own]) => own.map(sortUnordered).map(normalizeTuple));
}

/** LangGraph's own saver returns a config as it came, with all that LangGraph put into it. */
function normalizeConfig(configurable: Record<string, unknown> | undefined): unknown {
  if (configurable === undefined) return undefined;
  const { thread_id: thread, checkpoint_ns: namespace, checkpoint_id: id } = configurable;
  return { thread, namespace: namespace ?? "", id };
}

function sortUnordered(tuple: CheckpointTuple): CheckpointTuple {
  if (ORDERS_WRITES) return tuple;
  const keyed = (tuple.pendingWrites ?? []).map((write) => ({ write, key: JSON.stringify(write) }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
  return { ...tuple, pendingWrites: keyed.map(({ write }) => write) };
}
