import {
  maxChannelVersion,
  TASKS,
  type Checkpoint,
  type CheckpointPendingWrite,
} from "@langchain/langgraph-checkpoint";

/**
 * Puts the tasks that a checkpoint's parent sent among its channels. They are there from format 4 on;
 * before, they were among the parent's writes.
 */
export function migrateSends(
  checkpoint: Checkpoint,
  sends: readonly CheckpointPendingWrite[],
): void {
  checkpoint.channel_values[TASKS] = sends.map(([, , value]) => value);
  const versions = Object.values(checkpoint.channel_versions);
  checkpoint.channel_versions[TASKS] = versions.length > 0 ? maxChannelVersion(...versions) : 1;
}
