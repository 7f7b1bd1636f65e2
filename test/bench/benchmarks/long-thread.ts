import type { RunnableConfig } from "@langchain/core/runnables";
import type { BaseCheckpointSaver, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { Bench, Benchmark, Outcome } from "../harness/benchmark.ts";
import { sampleMs } from "../harness/durations.ts";
import { median } from "../harness/percentile.ts";
import { figure } from "../harness/target.ts";
import { Conversation } from "../workloads/conversation.ts";
import { runTurns } from "../workloads/run-turns.ts";

/**
 * Half of what it was before issue 12. At commit 61ae4a0 a turn took 0.35 to 0.44 of the CPU time of
 * MemorySaver's, in seven runs of which each measured both (19 to 25 ms of 53 to 64); half of the least
 * is what counts. It was 9 to 18 times as much as LangGraph alone takes, which is too little to measure
 * well.
 */
const CPU_OF_MEMORY_SAVER = 0.17;

/** A long chat: what it stores, what a turn costs at its end, and what reading it costs. */
export const longThread: Benchmark = {
  name: "long-thread",
  description:
    "One thread of a StateGraph over MessagesAnnotation; each turn a user's message and an answer of 1,000 pseudo-random characters",
  turns: 500,
  turnsAre: "turns of the thread",
  savers: ["threadkeep", "official", "memory", "none"],
  targets: [
    {
      goal: "stored at most 3.5 MB",
      unit: "bytes",
      direction: "at most",
      statedForTurns: 500,
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "bytesStored"),
        limit: 3_500_000,
      }),
    },
    {
      goal: "the last turns at most MemorySaver's",
      unit: "milliseconds",
      direction: "at most",
      statedForTurns: 500,
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "turnMsP50Last10"),
        limit: figure(rows, "memory", "turnMsP50Last10"),
      }),
    },
    {
      goal: "the last turns at most 1/20 of the official saver's",
      unit: "milliseconds",
      direction: "at most",
      statedForTurns: 500,
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "turnMsP50Last10"),
        limit: figure(rows, "official", "turnMsP50Last10", { times: 1 / 20 }),
      }),
    },
    {
      goal: "client CPU of the last turns at most 0.17 × MemorySaver's",
      unit: "milliseconds",
      direction: "at most",
      statedForTurns: 500,
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "cpuMsPerTurnLast50"),
        limit: figure(rows, "memory", "cpuMsPerTurnLast50", { times: CPU_OF_MEMORY_SAVER }),
      }),
    },
    {
      goal: "getTuple at most 1/5 of MemorySaver's",
      unit: "milliseconds",
      direction: "at most",
      statedForTurns: 500,
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "getTupleMsP50"),
        limit: figure(rows, "memory", "getTupleMsP50", { times: 1 / 5 }),
      }),
    },
    {
      goal: "list(50) at most 3 commands",
      unit: "count",
      direction: "at most",
      compare: (rows) => ({ measured: figure(rows, "threadkeep", "list50Commands"), limit: 3 }),
    },
    {
      goal: "list(50) at most 1/5 of the official saver's time",
      unit: "milliseconds",
      direction: "at most",
      statedForTurns: 500,
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "list50Ms"),
        limit: figure(rows, "official", "list50Ms", { times: 1 / 5 }),
      }),
    },
    {
      goal: "at most 7 commands a turn",
      unit: "count",
      direction: "at most",
      compare: (rows) => ({ measured: figure(rows, "threadkeep", "commandsPerTurn"), limit: 7 }),
    },
  ],
  async run(bench) {
    const { saver } = bench.open;
    const conversation = new Conversation(saver);
    return {
      ...(await runTurns(bench, conversation)),
      ...(saver && (await measureReading(bench, saver, conversation.config))),
    };
  },
};

async function measureReading(
  { open, progress }: Bench,
  saver: BaseCheckpointSaver,
  config: RunnableConfig,
): Promise<Outcome> {
  progress(0, 1, "reading");
  const getTupleMs = await sampleMs(() => saver.getTuple(config), { atMost: 30 });
  const list = (): Promise<CheckpointTuple[]> => Array.fromAsync(saver.list(config, { limit: 50 }));
  const commandsBefore = open.commands.commands;
  await list();
  const list50Commands = open.commands.commands - commandsBefore;
  const list50Ms = await sampleMs(list, { atMost: 10 });
  return { getTupleMsP50: median(getTupleMs), list50Ms: median(list50Ms), list50Commands };
}
