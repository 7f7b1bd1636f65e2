import type { RunnableConfig } from "@langchain/core/runnables";
import type {
  ChannelVersions,
  Checkpoint,
  CheckpointMetadata,
  PendingWrite,
} from "@langchain/langgraph-checkpoint";
import type { ThreadLease } from "../leases/thread-lease.ts";
import type { MongoDBSaver } from "../saver/mongodb-saver.ts";

/** The run that a saver stores for. */
export interface StoringRun {
  readonly runId: string;
  /** The lease of the run's thread. */
  readonly lease: Pick<ThreadLease, "bind">;
  /** Throws if the run's lease is lost. */
  assertHeld(): void;
  /** Called when the run has stored a checkpoint. */
  onStored(): void;
}

/** A saver that stores for one run. */
export interface RunSaver {
  readonly saver: MongoDBSaver;
  /** Ends when all has been stored that was on its way, also of a graph that was left alone. Never rejects. */
  readonly settle: () => Promise<void>;
}

/**
 * Makes a saver that stores for one run: it marks each checkpoint with the run's id, which tells later whether the run has
 * begun. What it sends carries the fencing token of the thread's lease. When the run's lease is lost, it sends nothing
 * more.
 */
export function createRunSaver(saver: MongoDBSaver, run: StoringRun): RunSaver {
  const underWay = new Set<Promise<unknown>>();
  const follow = async <T>(storing: Promise<T>): Promise<T> => {
    underWay.add(storing);
    try {
      return await storing;
    } finally {
      underWay.delete(storing);
    }
  };
  const marking = {
    async put(
      config: RunnableConfig,
      checkpoint: Checkpoint,
      metadata: CheckpointMetadata,
      newVersions?: ChannelVersions,
    ): Promise<RunnableConfig> {
      run.assertHeld();
      const marked = { ...metadata, run_id: run.runId };
      const stored = await follow(
        saver.put(run.lease.bind(config), checkpoint, marked, newVersions),
      );
      run.onStored();
      return stored;
    },
    async putWrites(
      config: RunnableConfig,
      writes: PendingWrite[],
      taskId: string,
      taskPath?: string,
    ): Promise<void> {
      run.assertHeld();
      await follow(saver.putWrites(run.lease.bind(config), writes, taskId, taskPath));
    },
  };
  return {
    saver: Object.assign(Object.create(saver) as MongoDBSaver, marking),
    settle: async () => void (await Promise.allSettled(underWay)),
  };
}
