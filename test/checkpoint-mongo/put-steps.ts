import type { RunnableConfig } from "@langchain/core/runnables";
import type { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";

/** What the list of a thread holds after so many steps. */
export function listItems(steps: number): readonly string[] {
  return Array.from({ length: steps }, (_, at) => `item ${at} `.repeat(40));
}

/** Puts so many checkpoints of a list that grows, each after a pending write to the one before. */
export async function putSteps(
  saver: MongoDBSaver,
  threadId: string,
  count: number,
  { from = 0, config = threadConfig(threadId) }: { from?: number; config?: RunnableConfig } = {},
): Promise<RunnableConfig> {
  let latest = config;
  for (let step = from; step < from + count; step += 1) {
    if (step > 0) await saver.putWrites(latest, [["list", `write ${step}`]], `task-${step}`);
    const versions = { list: step + 1 };
    latest = await putCheckpoint(
      saver,
      latest,
      makeCheckpoint({ list: [...listItems(step + 1)] }, { versions }),
    );
  }
  return latest;
}
