/** What a run streams in the mode `updates` with subgraphs. */
type StreamedUpdate = [namespace: string[], updates: Record<string, unknown>];

/** LangGraph's mark on the results of tasks that were done before this process began. */
const METADATA = "__metadata__";

/** Prints a line for each task that is done. */
export async function printProgress(run: AsyncIterable<unknown>): Promise<void> {
  for await (const [namespace, updates] of run as AsyncIterable<StreamedUpdate>) {
    const path = namespace.map((level) => level.split(":")[0]);
    const isStored = (updates[METADATA] as { cached?: boolean } | undefined)?.cached === true;
    for (const [node, update] of Object.entries(updates)) {
      if (node === METADATA) continue;
      const { findings } = (update ?? {}) as { findings?: { source: string }[] };
      // The analysts work side by side: each is known by its evidence.
      const name = [[...path, node].join(" › "), ...(findings ?? []).map(({ source }) => source)];
      console.log(`✓ ${name.join(" ")}${isStored ? " (done before)" : ""}`);
    }
  }
}
