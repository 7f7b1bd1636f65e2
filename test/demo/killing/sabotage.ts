import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";

/** Ways to break a saver. Each is a bug that savers have had. */
export const SABOTAGES = ["forget-writes", "stale-reads", "forget-subgraphs"] as const;

/**
 * - `forget-writes`: what finished tasks of an unfinished superstep wrote is acknowledged and dropped
 * - `stale-reads`: the newest checkpoint is never found, only the one before it
 * - `forget-subgraphs`: the checkpoints inside subgraphs are never found
 */
export type Sabotage = (typeof SABOTAGES)[number];

/** Breaks a saver in place, so that the demo's proofs can be seen to fail. */
export function sabotageSaver(saver: BaseCheckpointSaver, sabotage: Sabotage): void {
  const getTuple = saver.getTuple.bind(saver);
  switch (sabotage) {
    case "forget-writes":
      saver.putWrites = async () => {};
      return;
    case "stale-reads":
      saver.getTuple = async (config) => {
        const found = await getTuple(config);
        const wantsNewest = config.configurable?.["checkpoint_id"] === undefined;
        return wantsNewest && found?.parentConfig ? getTuple(found.parentConfig) : found;
      };
      return;
    case "forget-subgraphs":
      saver.getTuple = async (config) =>
        config.configurable?.["checkpoint_ns"] ? undefined : getTuple(config);
  }
}
