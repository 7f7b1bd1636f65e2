import type { Benchmark } from "../harness/benchmark.ts";
import { median, percentile } from "../harness/percentile.ts";
import { figure } from "../harness/target.ts";
import { Conversation, TURN_CONTENT_BYTES } from "../workloads/conversation.ts";

const THREADS = 64;

/** A server process with many chats at once. */
export const manyThreads: Benchmark = {
  name: "many-threads",
  description: "64 threads of long-thread's kind at once in one process",
  turns: 50,
  turnsAre: "turns of each thread",
  savers: ["threadkeep", "official", "memory", "none"],
  targets: [
    {
      goal: "turns per second at least 2 × the official saver's",
      unit: "per second",
      direction: "at least",
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "turnsPerSecond"),
        limit: figure(rows, "official", "turnsPerSecond", { times: 2 }),
      }),
    },
  ],
  async run({ open, turns, progress }) {
    const total = THREADS * turns;
    const turnMs: number[] = [];
    const start = performance.now();
    await Promise.all(
      Array.from({ length: THREADS }, async (_, index) => {
        const conversation = new Conversation(open.saver, { threadId: `thread-${index}` });
        for (let turn = 1; turn <= turns; turn += 1) {
          turnMs.push(await conversation.runTurn());
          progress(turnMs.length, total);
        }
      }),
    );
    const seconds = (performance.now() - start) / 1_000;
    const bytesStored = await open.countBytesStored();
    return {
      ...(bytesStored !== undefined && { bytesStored }),
      contentBytes: total * TURN_CONTENT_BYTES,
      turnsPerSecond: total / seconds,
      turnMsP50: median(turnMs),
      turnMsP99: percentile(turnMs, 0.99),
      commandsPerTurn: open.commands.commands / total,
    };
  },
};
