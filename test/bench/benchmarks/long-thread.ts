import type { RunnableConfig } from "@langchain/core/runnables";
import type { BaseCheckpointSaver, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { Bench, Benchmark, Outcome, SeriesPoint } from "../harness/benchmark.ts";
import { sampleMs } from "../harness/durations.ts";
import { median } from "../harness/percentile.ts";
import { figure } from "../harness/target.ts";
import { Conversation, TURN_CONTENT_BYTES } from "../workloads/conversation.ts";

/** Points of the plot. */
const SERIES_POINTS = 25;

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
      goal: "stored at most 5 MB",
      unit: "bytes",
      direction: "at most",
      statedForTurns: 500,
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "bytesStored"),
        limit: 5_000_000,
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
      goal: "getTuple at most 1.2 × MemorySaver's",
      unit: "milliseconds",
      direction: "at most",
      statedForTurns: 500,
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "getTupleMsP50"),
        limit: figure(rows, "memory", "getTupleMsP50", { times: 1.2 }),
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
    const { outcome, turnMs } = await runTurns(bench, conversation);
    return {
      ...outcome,
      contentBytes: bench.turns * TURN_CONTENT_BYTES,
      turnMsP50Last10: median(turnMs.slice(-10)),
      ...(saver && (await measureReading(bench, saver, conversation.config))),
    };
  },
};

async function runTurns(
  { open, turns, progress }: Bench,
  conversation: Conversation,
): Promise<{ outcome: Outcome; turnMs: number[] }> {
  const turnMs: number[] = [];
  const series: SeriesPoint[] = [];
  const interval = Math.max(1, Math.floor(turns / SERIES_POINTS));
  const tail = Math.min(10, turns);
  let commandsBefore = 0;
  for (let turn = 1; turn <= turns; turn += 1) {
    if (turn === turns - tail + 1) commandsBefore = open.commands.commands;
    turnMs.push(await conversation.runTurn());
    progress(turn, turns);
    if (turn % interval === 0 || turn === turns) {
      const bytesStored = await open.countBytesStored();
      const latest = turnMs.slice(series.at(-1)?.turn ?? 0);
      series.push({
        turn,
        turnMs: median(latest),
        ...(bytesStored !== undefined && { bytesStored }),
      });
    }
  }
  const commandsPerTurn = (open.commands.commands - commandsBefore) / tail;
  const bytesStored = series.at(-1)?.bytesStored;
  return {
    turnMs,
    outcome: { series, commandsPerTurn, ...(bytesStored !== undefined && { bytesStored }) },
  };
}

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
