import type { RunnableConfig } from "@langchain/core/runnables";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { setTimeout as sleep } from "node:timers/promises";
import type { Bench, Outcome } from "../../harness/benchmark.ts";
import { connect } from "../../harness/connect.ts";
import { measureMs } from "../../harness/durations.ts";
import { median, percentile } from "../../harness/percentile.ts";
import { makeCheckpoint } from "../make-checkpoint.ts";
import { randomText } from "../random-text.ts";

const CHECKPOINTS = 10_000;
const KEPT = 10;
const PUTS_ALONE = 300;

/** A step every so often, as an agent makes them. */
const PAUSE_MS = 10;

/** A long thread is pruned while a writer goes on with it, in the same process. */
export async function pruneBesideWriter(bench: Bench): Promise<Outcome> {
  const { database, open, turns, progress } = bench;
  if (database === undefined) throw new Error("This benchmark needs a MongoDB.");
  const client = await connect(database);
  try {
    const writer = new Writer(new MongoDBSaver({ client, dbName: database.name }));
    const count = Math.ceil((CHECKPOINTS * turns) / 100);
    for (let step = 0; step < count; step += 1) {
      await writer.put();
      progress(step, count + PUTS_ALONE);
    }
    const bytesBefore = (await open.countBytesStored()) ?? 0;
    const before = await writer.putSteadily(Math.max(10, (PUTS_ALONE * turns) / 100));
    const pruner = open.saver as MongoDBSaver;
    const beside: number[] = [];
    const prune = { isDone: false };
    const pruning = measureMs(async () => {
      await pruner.prune([writer.threadId], { strategy: "keep_last", count: KEPT });
      prune.isDone = true;
    });
    const firstBeside = writer.ids.length;
    do {
      beside.push(await measureMs(() => writer.put()));
      await sleep(PAUSE_MS);
    } while (!prune.isDone);
    const pruneMs = await pruning;
    const listed = pruner.list({ configurable: { thread_id: writer.threadId, checkpoint_ns: "" } });
    const left = new Set<string>();
    for await (const { checkpoint } of listed) left.add(checkpoint.id);
    const expected = writer.ids.slice(firstBeside - KEPT);
    // A busy machine makes some puts slow in any case. As many puts as beside the prune show how slow.
    const after = await writer.putSteadily(Math.max(0, beside.length - before.length));
    const alone = [...before, ...after];
    return {
      pruneMs,
      bytesBefore,
      bytesStored: (await open.countBytesStored()) ?? 0,
      putMsP50Alone: median(alone),
      putMsP99Alone: percentile(alone, 0.99),
      putMsMaxAlone: Math.max(...alone.slice(-beside.length)),
      putMsP50Beside: median(beside),
      putMsP99Beside: percentile(beside, 0.99),
      putMsMaxBeside: Math.max(...beside),
      stepsLost: expected.filter((id) => !left.has(id)).length,
    };
  } finally {
    await client.close();
  }
}

/** An agent whose state has the last messages, and whose tasks write. */
class Writer {
  readonly threadId = "pruned";
  readonly ids: string[] = [];
  readonly #saver: MongoDBSaver;
  #config: RunnableConfig = { configurable: { thread_id: this.threadId, checkpoint_ns: "" } };
  #messages: readonly string[] = [];

  constructor(saver: MongoDBSaver) {
    this.#saver = saver;
  }

  /** Puts so many steps, one every so often, and measures them. */
  async putSteadily(count: number): Promise<number[]> {
    const putMs: number[] = [];
    for (let step = 0; step < count; step += 1) {
      putMs.push(await measureMs(() => this.put()));
      await sleep(PAUSE_MS);
    }
    return putMs;
  }

  async put(): Promise<void> {
    const step = this.ids.length;
    const message = randomText(`message ${step}`, 200);
    this.#messages = [...this.#messages.slice(-19), message];
    const checkpoint = makeCheckpoint(step, { messages: this.#messages });
    const parent =
      this.#config.configurable!["checkpoint_id"] === undefined ? undefined : this.#config;
    // A task's writes and the next checkpoint go together, as LangGraph sends them.
    const [config] = await Promise.all([
      this.#saver.put(
        this.#config,
        checkpoint,
        { source: "loop", step, parents: {} },
        checkpoint.channel_versions,
      ),
      parent && this.#saver.putWrites(parent, [["messages", message]], `task ${step}`),
    ]);
    this.#config = config;
    this.ids.push(checkpoint.id);
  }
}
