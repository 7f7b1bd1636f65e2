import type { Benchmark } from "../harness/benchmark.ts";
import { sampleMs } from "../harness/durations.ts";
import { median } from "../harness/percentile.ts";
import { requireSaver } from "../harness/require-saver.ts";
import { figure } from "../harness/target.ts";
import { Conversation } from "../workloads/conversation.ts";
import { makeCheckpoint } from "../workloads/make-checkpoint.ts";
import { runTurns } from "../workloads/run-turns.ts";

/** Puts that are measured by themselves, without a graph. */
const PUTS = 300;

/** What encryption costs: bytes and time. */
export const encryption: Benchmark = {
  name: "encryption",
  description:
    "long-thread's conversation with and without the option encryption; then puts that each add an item to a list",
  turns: 500,
  turnsAre: "turns of the thread",
  savers: ["threadkeep", "encrypted"],
  targets: [
    {
      goal: "encrypted at most 1.15 × the bytes",
      unit: "bytes",
      direction: "at most",
      compare: (rows) => ({
        measured: figure(rows, "encrypted", "bytesStored"),
        limit: figure(rows, "threadkeep", "bytesStored", { times: 1.15 }),
      }),
    },
    {
      goal: "an encrypted put at most 1.2 × the time",
      unit: "milliseconds",
      direction: "at most",
      compare: (rows) => ({
        measured: figure(rows, "encrypted", "putMsP50"),
        limit: figure(rows, "threadkeep", "putMsP50", { times: 1.2 }),
      }),
    },
    {
      goal: "no further command a turn",
      unit: "count",
      direction: "at most",
      compare: (rows) => ({
        measured: figure(rows, "encrypted", "commandsPerTurn"),
        limit: figure(rows, "threadkeep", "commandsPerTurn", { times: 1.01 }),
      }),
    },
  ],
  async run(bench) {
    const saver = requireSaver(bench);
    const outcome = await runTurns(bench, new Conversation(saver));
    const items: string[] = [];
    let config = { configurable: { thread_id: "puts", checkpoint_ns: "" } };
    const putMs = await sampleMs(
      async () => {
        items.push(`item ${items.length} of some length, as a short message has it`);
        const checkpoint = makeCheckpoint(items.length, { items: [...items] });
        const { channel_versions: versions } = checkpoint;
        const metadata = { source: "loop", step: items.length, parents: {} } as const;
        config = (await saver.put(config, checkpoint, metadata, versions)) as typeof config;
      },
      { atMost: PUTS },
    );
    return { ...outcome, putMsP50: median(putMs) };
  },
};
