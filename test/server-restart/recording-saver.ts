import type { RunnableConfig } from "@langchain/core/runnables";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";

/** A saver that remembers what it has acknowledged: what has to be there from then on. */
export class RecordingSaver extends MongoDBSaver {
  /** The configs of the checkpoints. */
  readonly checkpoints: RunnableConfig[] = [];
  readonly writes: {
    readonly config: RunnableConfig;
    readonly taskId: string;
    readonly values: readonly unknown[];
  }[] = [];

  override async put(...args: Parameters<MongoDBSaver["put"]>): Promise<RunnableConfig> {
    const config = await super.put(...args);
    this.checkpoints.push(config);
    return config;
  }

  override async putWrites(...args: Parameters<MongoDBSaver["putWrites"]>): Promise<void> {
    await super.putWrites(...args);
    const [config, writes, taskId] = args;
    this.writes.push({ config, taskId, values: writes.map(([, value]) => value) });
  }
}
