import { MemorySaver } from "@langchain/langgraph-checkpoint";

/** LangGraph's in-memory saver, as what another one is compared with. */
export class Shadow {
  readonly memory: MemorySaver = new MemorySaver();

  /** A copy of what the in-memory saver holds. */
  copyMemory(): MemorySaver {
    const copy = new MemorySaver();
    for (const [threadId, namespaces] of Object.entries(this.memory.storage)) {
      const copied = Object.entries(namespaces).map(([name, checkpoints]) => [
        name,
        { ...checkpoints },
      ]);
      copy.storage[threadId] = Object.fromEntries(copied) as typeof namespaces;
    }
    for (const [key, writes] of Object.entries(this.memory.writes))
      copy.writes[key] = { ...writes };
    return copy;
  }
}
