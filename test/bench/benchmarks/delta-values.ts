import type { Benchmark } from "../harness/benchmark.ts";
import { requireSaver } from "../harness/require-saver.ts";
import { figure } from "../harness/target.ts";
import { Conversation } from "../workloads/conversation.ts";
import { runTurns } from "../workloads/run-turns.ts";

const DELTA = "MessagesDeltaValue";
const PLAIN = "plain messages";

/** Whether LangGraph's own way to store only what is added has to be avoided with this saver. */
export const deltaValues: Benchmark = {
  name: "delta-values",
  description:
    "The thread of long-thread with its messages in LangGraph's MessagesDeltaValue, whose value is put together from what was written since its last snapshot; beside it plain messages, with the official saver only in long-thread",
  turns: 500,
  turnsAre: "turns of the thread",
  savers: ["threadkeep", "official"],
  variants: [DELTA, PLAIN],
  // With the official saver they take minutes, and are in long-thread.
  saversOf: (variant) => (variant === PLAIN ? ["threadkeep"] : ["threadkeep", "official"]),
  targets: [
    {
      goal: `${DELTA}: stored at most with plain messages`,
      unit: "bytes",
      direction: "at most",
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "bytesStored", { variant: DELTA }),
        limit: figure(rows, "threadkeep", "bytesStored", { variant: PLAIN }),
      }),
    },
    {
      goal: `${DELTA}: the last turns at most with plain messages`,
      unit: "milliseconds",
      direction: "at most",
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "turnMsP50Last10", { variant: DELTA }),
        limit: figure(rows, "threadkeep", "turnMsP50Last10", { variant: PLAIN }),
      }),
    },
  ],
  async run(bench) {
    const conversation = new Conversation(requireSaver(bench), { delta: bench.variant === DELTA });
    return await runTurns(bench, conversation);
  },
};
