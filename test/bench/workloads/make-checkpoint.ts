import { emptyCheckpoint, uuid6, type Checkpoint } from "@langchain/langgraph-checkpoint";

/** The checkpoint of a step in which all channels have changed. */
export function makeCheckpoint(step: number, values: Checkpoint["channel_values"]): Checkpoint {
  const versions = Object.keys(values).map((channel) => [channel, step + 1] as const);
  return {
    ...emptyCheckpoint(),
    id: uuid6(step),
    channel_values: values,
    channel_versions: Object.fromEntries(versions),
  };
}
