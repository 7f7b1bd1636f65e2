import type { Benchmark } from "../harness/benchmark.ts";
import { median, percentile } from "../harness/percentile.ts";
import { requireSaver } from "../harness/require-saver.ts";
import { figure } from "../harness/target.ts";
import { Conversation } from "../workloads/conversation.ts";

const TURNS_OF_A_THREAD = 20;

/** How long a user waits where the server is not on the same machine. */
export const latency: Benchmark = {
  name: "latency",
  description:
    'Short threads of long-thread\'s kind, 20 turns each, one after another, durability "sync", on a server 2 ms away unless --rtt says how far',
  turns: 100,
  turnsAre: "turns",
  savers: ["threadkeep", "official"],
  rttMs: 2,
  targets: [
    {
      goal: "a turn at most the official saver's",
      unit: "milliseconds",
      direction: "at most",
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "turnMsP50"),
        limit: figure(rows, "official", "turnMsP50"),
      }),
    },
  ],
  async run(bench) {
    const { open, turns, progress } = bench;
    const saver = requireSaver(bench);
    let conversation = new Conversation(saver);
    const turnMs: number[] = [];
    for (let turn = 0; turn < turns; turn += 1) {
      if (turn % TURNS_OF_A_THREAD === 0) {
        conversation = new Conversation(saver, { threadId: `thread-${turn}`, durability: "sync" });
      }
      turnMs.push(await conversation.runTurn());
      progress(turn + 1, turns);
    }
    return {
      turnMsP50: median(turnMs),
      turnMsP99: percentile(turnMs, 0.99),
      commandsPerTurn: open.commands.commands / turns,
    };
  },
};
