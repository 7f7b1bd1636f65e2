import type { Store } from "./store.ts";

/** The threads in which checkpoints of runs are stored, also those that a rollback has discarded. */
export async function findThreadsOfRuns(
  { all }: Pick<Store, "all">,
  runIds: readonly string[],
): Promise<readonly string[]> {
  const threadIds = new Set<string>();
  // One after the other: not every server takes an index for several values.
  for (const runId of runIds) {
    const found = all.aggregate<{ readonly _id: unknown }>([
      { $match: { run_id: runId } },
      { $match: { kind: { $in: ["checkpoint", "discarded"] } } },
      { $group: { _id: "$thread_id" } },
    ]);
    for await (const { _id: id } of found) if (typeof id === "string") threadIds.add(id);
  }
  return [...threadIds];
}
