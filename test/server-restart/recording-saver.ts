import type { RunnableConfig } from "@langchain/core/runnables";
import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { setTimeout as sleep } from "node:timers/promises";

/** By then a task that was running when its run failed has called the saver. */
const LATE_CALL_MS = 250;

/** Pending writes that were acknowledged. */
interface AcknowledgedWrites {
  readonly config: RunnableConfig;
  readonly taskId: string;
  readonly values: readonly unknown[];
}

/** A saver that remembers what it has acknowledged: what has to be there from then on. */
export class RecordingSaver extends MongoDBSaver {
  /** The configs of the checkpoints. */
  readonly checkpoints: RunnableConfig[] = [];
  readonly #writes: AcknowledgedWrites[] = [];
  /** The ids of checkpoints that are stored for certain: their `put` said so, or they were read. */
  readonly #stored = new Set<unknown>();
  readonly #underWay = new Set<Promise<unknown>>();

  /**
   * Those that belong to a checkpoint that is stored. LangGraph begins the first superstep before it
   * knows whether the input is stored; if that fails, what the tasks wrote belongs to nothing.
   */
  get writes(): readonly AcknowledgedWrites[] {
    return this.#writes.filter(({ config }) =>
      this.#stored.has(config.configurable?.["checkpoint_id"]),
    );
  }

  /**
   * Resolves when nothing is under way any more: a run that fails leaves behind what it had begun,
   * and a task beside the one that failed may hand over what it wrote only after that.
   */
  async settle(): Promise<void> {
    do {
      await Promise.allSettled(this.#underWay);
      await sleep(LATE_CALL_MS);
    } while (this.#underWay.size > 0);
  }

  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const tuple = await super.getTuple(config);
    if (tuple !== undefined) this.#stored.add(tuple.checkpoint.id);
    return tuple;
  }

  override async put(...args: Parameters<MongoDBSaver["put"]>): Promise<RunnableConfig> {
    const config = await this.#follow(super.put(...args));
    this.checkpoints.push(config);
    this.#stored.add(config.configurable?.["checkpoint_id"]);
    return config;
  }

  override async putWrites(...args: Parameters<MongoDBSaver["putWrites"]>): Promise<void> {
    await this.#follow(super.putWrites(...args));
    const [config, writes, taskId] = args;
    this.#writes.push({ config, taskId, values: writes.map(([, value]) => value) });
  }

  async #follow<T>(operation: Promise<T>): Promise<T> {
    this.#underWay.add(operation);
    try {
      return await operation;
    } finally {
      this.#underWay.delete(operation);
    }
  }
}
