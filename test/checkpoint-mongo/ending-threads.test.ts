import type { RunnableConfig } from "@langchain/core/runnables";
import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { CorruptCheckpointError, MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { expect, it, onTestFinished } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { COLLECTION, useDatabase } from "./use-database.ts";

const database = useDatabase();

const SEED = Number(process.env["ENDING_SEED"] ?? 1);
const SECONDS = Number(process.env["ENDING_SECONDS"] ?? 10);
const PROCESSES = 8;

it(
  `threads that are deleted or expire during reads and writes are never reported as damaged (seed ${SEED})`,
  { timeout: SECONDS * 1_000 + 60_000 },
  async () => {
    await using own = temporaryDatabase(database.client);
    // Without grace the server removes documents, in any order, while they are read.
    const settings = { dbName: own.name, ttl: 1.5, ttlSlack: 0.5, ttlGraceSeconds: 0 };
    const untilMs = performance.now() + SECONDS * 1_000;
    const done = new Map<string, number>();
    const errors: unknown[] = [];
    // On a slow machine that takes longer.
    const hasMetBoth = () => done.has("getTuple: something") && done.has("getTuple: nothing");
    await Promise.all(
      Array.from({ length: PROCESSES }, async (_, number) => {
        const client = new MongoClient(database.uri);
        onTestFinished(() => client.close());
        // Who remembers little has to read what a thread is made of, which may go in the meantime.
        const cacheMaxBytes = number % 2 === 0 ? 1 : undefined;
        const saver = new MongoDBSaver({ ...settings, cacheMaxBytes, client });
        const process = new RandomProcess(saver, SEED + number);
        while (performance.now() < untilMs || !hasMetBoth()) {
          const name = process.pick(WEIGHTED);
          try {
            const outcome = await ACTIONS[name](process);
            const what = outcome === undefined ? name : `${name}: ${outcome}`;
            done.set(what, (done.get(what) ?? 0) + 1);
          } catch (error) {
            errors.push([name, error]);
          }
        }
      }),
    );
    expect(errors).toEqual([]);
  },
);

it("real damage of a living thread is reported at once, while others end", async () => {
  await using own = temporaryDatabase(database.client);
  const settings = { dbName: own.name };
  const writer = database.openSaver(settings);
  const root = threadConfig("damaged");
  const config = await putCheckpoint(writer, root, makeCheckpoint({ list: ["y".repeat(500)] }));
  await database.client
    .db(own.name)
    .collection(COLLECTION)
    .deleteMany({ thread_id: "damaged", kind: "segment" });
  const others = new AbortController();
  const ending = Array.from({ length: 3 }, (_, number) =>
    endAgainAndAgain(database.openSaverElsewhere(settings), `other ${number}`, others.signal),
  );
  try {
    const reader = database.openSaver(settings);
    for (const read of [
      () => reader.getTuple(root),
      () => reader.getTuple(config),
      () => Array.fromAsync(reader.list(root)),
    ]) {
      await expect(read()).rejects.toThrow(CorruptCheckpointError);
    }
    expect((await reader.verifyThread("damaged")).damages).toHaveLength(1);
  } finally {
    others.abort();
    await Promise.all(ending);
  }
});

async function endAgainAndAgain(
  saver: MongoDBSaver,
  threadId: string,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const checkpoint = makeCheckpoint({ list: ["x".repeat(500)] });
    await putCheckpoint(saver, threadConfig(threadId), checkpoint);
    await saver.deleteThread(threadId);
  }
}

/** A process that does one thing after the other with a few threads, as chance has it. */
class RandomProcess {
  readonly saver: MongoDBSaver;
  steps = 0;
  #state: number;

  constructor(saver: MongoDBSaver, seed: number) {
    this.saver = saver;
    this.#state = seed;
  }

  random(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return (this.#state >>> 8) / 2 ** 24;
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)]!;
  }

  pickThread(): string {
    // Each is written to for a while and then left to expire.
    const generation = Math.floor(performance.now() / 4_000) - this.pick([0, 0, 1]);
    return `${this.pick(["a", "b"])} ${generation}`;
  }

  pickConfig(): RunnableConfig {
    return threadConfig(this.pickThread(), { namespace: this.pick(["", "sub:1"]) });
  }
}

/** What a process may do. */
const ACTIONS = {
  /** A few steps of a graph that continues from what is there. */
  put: async (process: RandomProcess) => {
    const start = process.pickConfig();
    const tuple = await process.saver.getTuple(start);
    let config = tuple?.config ?? start;
    const list = [...readList(tuple)];
    for (let step = process.pick([1, 2, 3, 4]); step > 0; step -= 1) {
      process.steps += 1;
      list.push(`item ${process.steps} `.repeat(40));
      const versions = { list: list.length };
      const checkpoint = makeCheckpoint({ list: [...list] }, { versions });
      config = await putCheckpoint(process.saver, config, checkpoint);
    }
  },
  putWrites: async (process: RandomProcess) => {
    const tuple = await process.saver.getTuple(process.pickConfig());
    if (tuple === undefined) return "nothing";
    process.steps += 1;
    const writes: [string, unknown][] = [["list", ["w".repeat(300)]]];
    await process.saver.putWrites(tuple.config, writes, `task ${process.steps}`);
    return undefined;
  },
  getTuple: async (process: RandomProcess) => {
    const tuple = await process.saver.getTuple(process.pickConfig());
    if (tuple === undefined) return "nothing";
    if (readList(tuple).length === 0) throw new Error("The list of a thread was lost.");
    return "something";
  },
  list: async (process: RandomProcess) => {
    const config = { configurable: { thread_id: process.pickThread() } };
    await Array.fromAsync(process.saver.list(config, { limit: 5 }));
  },
  "list of all threads": async ({ saver }: RandomProcess) => {
    await Array.fromAsync(saver.list({}, { limit: 20 }));
  },
  getDeltaChannelHistory: async (process: RandomProcess) => {
    const config = process.pickConfig();
    await process.saver.getDeltaChannelHistory({ config, channels: ["list", "never"] });
  },
  verifyThread: async (process: RandomProcess) => {
    const { damages } = await process.saver.verifyThread(process.pickThread());
    if (damages.length > 0) throw new Error(`Damaged: ${JSON.stringify(damages)}`);
  },
  sweep: async (process: RandomProcess) => {
    await process.saver.sweep({ threadId: process.pickThread() });
  },
  deleteThread: async (process: RandomProcess) => {
    await process.saver.deleteThread(process.pickThread());
  },
} satisfies Record<string, (process: RandomProcess) => Promise<string | undefined | void>>;

/** Reading and writing are what threads end under. */
const WEIGHTED = (Object.keys(ACTIONS) as (keyof typeof ACTIONS)[]).flatMap((name) =>
  Array.from({ length: ["put", "getTuple", "list"].includes(name) ? 6 : 1 }, () => name),
);

function readList(tuple: CheckpointTuple | undefined): readonly string[] {
  return (tuple?.checkpoint.channel_values["list"] ?? []) as string[];
}
