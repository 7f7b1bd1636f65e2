import type { RunnableConfig } from "@langchain/core/runnables";
import type { Checkpoint, CheckpointTuple, PendingWrite } from "@langchain/langgraph-checkpoint";
import type { MongoDBSaver, ThreadReport } from "@threadkeep/checkpoint-mongo";
import type { Place, Seen, WrittenValue } from "../history/call.ts";
import { digest } from "../history/digest.ts";
import type { Recorder } from "../history/recorder.ts";

/** A saver whose calls are recorded. */
export class RecordedSaver {
  private readonly saver: MongoDBSaver;
  private readonly recorder: Recorder;

  constructor(saver: MongoDBSaver, recorder: Recorder) {
    this.saver = saver;
    this.recorder = recorder;
  }

  /** @param changed the channels that have another value than in the parent */
  async put(
    place: Place,
    parent: string | null,
    checkpoint: Checkpoint,
    changed: Record<string, number>,
  ): Promise<void> {
    const content = digest(checkpoint.channel_values);
    const metadata = { source: "loop", step: 0, parents: {} } as const;
    await this.recorder.record(
      { op: "put", ...place, checkpoint: checkpoint.id, parent, content },
      () => this.saver.put(toConfig(place, parent), checkpoint, metadata, changed),
      () => ({}),
    );
  }

  async putWrites(
    place: Place,
    checkpoint: string,
    task: string,
    writes: readonly PendingWrite[],
  ): Promise<void> {
    const written = writes.map(([channel, value]): WrittenValue => [channel, digest(value)]);
    await this.recorder.record(
      { op: "putWrites", ...place, checkpoint, task, writes: written },
      () => this.saver.putWrites(toConfig(place, checkpoint), [...writes], task),
      () => ({}),
    );
  }

  /** @param checkpoint null for the latest one */
  getTuple(place: Place, checkpoint: string | null): Promise<CheckpointTuple | undefined> {
    return this.recorder.record(
      { op: "getTuple", ...place, checkpoint },
      () => this.saver.getTuple(toConfig(place, checkpoint)),
      (tuple) => ({ tuples: tuple === undefined ? [] : [toSeen(tuple)] }),
    );
  }

  /**
   * @param limit null for all of them
   * @returns the ids of the checkpoints
   */
  list(place: Place, limit: number | null): Promise<readonly string[]> {
    let tuples: readonly Seen[] = [];
    return this.recorder.record(
      { op: "list", ...place, limit },
      async () => {
        const options = limit === null ? {} : { limit };
        // Not all states at once: what is kept of each is its digest.
        const list = this.saver.list(toConfig(place, null), options);
        tuples = await Array.fromAsync(list, toSeen);
        return tuples.map(({ checkpoint }) => checkpoint);
      },
      () => ({ tuples }),
    );
  }

  async deleteThread(thread: string): Promise<void> {
    const call = { op: "deleteThread", thread } as const;
    await this.recorder.record(
      call,
      () => this.saver.deleteThread(thread),
      () => ({}),
    );
  }

  async sweep(thread: string): Promise<void> {
    const call = { op: "sweep", thread } as const;
    await this.recorder.record(
      call,
      () => this.saver.sweep({ threadId: thread }),
      () => ({}),
    );
  }

  async verifyThread(thread: string): Promise<void> {
    const call = { op: "verifyThread", thread } as const;
    await this.recorder.record(call, () => this.saver.verifyThread(thread), describeDamages);
  }
}

function toConfig({ thread, namespace }: Place, checkpoint: string | null): RunnableConfig {
  return {
    configurable: {
      thread_id: thread,
      checkpoint_ns: namespace,
      ...(checkpoint !== null && { checkpoint_id: checkpoint }),
    },
  };
}

function toSeen({ checkpoint, parentConfig, pendingWrites = [] }: CheckpointTuple): Seen {
  const byTask = Map.groupBy(pendingWrites, ([task]) => task);
  return {
    checkpoint: checkpoint.id,
    parent: (parentConfig?.configurable?.["checkpoint_id"] as string | undefined) ?? null,
    content: digest(checkpoint.channel_values),
    writes: Object.fromEntries(
      Array.from(byTask, ([task, writes]) => [
        task,
        writes.map(([, channel, value]): WrittenValue => [channel, digest(value)]),
      ]),
    ),
  };
}

function describeDamages({ damages }: ThreadReport): { readonly damages: readonly string[] } {
  return { damages: damages.map((damage) => JSON.stringify(damage)) };
}
