import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import {
  Annotation,
  DeltaChannel,
  END,
  START,
  StateGraph,
  messagesDeltaReducer,
  type Messages,
} from "@langchain/langgraph";
import { BaseCheckpointSaver, type DeltaChannelHistory } from "@langchain/langgraph-checkpoint";
import type { Bench, Benchmark } from "../harness/benchmark.ts";
import { measureMs } from "../harness/durations.ts";
import { median } from "../harness/percentile.ts";
import { requireSaver } from "../harness/require-saver.ts";
import { figure } from "../harness/target.ts";
import { MESSAGE_LENGTH } from "../workloads/conversation.ts";
import { randomText } from "../workloads/random-text.ts";

const SAMPLES = 7;

/** A channel that stores only what is written to it, read back over all its ancestors. */
export const deltaHistory: Benchmark = {
  name: "delta-history",
  description:
    "One run of as many supersteps, each writing a message of 1,000 characters to a DeltaChannel that stores no snapshot; then the channel's history from the last checkpoint, by the saver and by the base class's walk over the same saver",
  turns: 1_000,
  turnsAre: "ancestors",
  savers: ["threadkeep", "official", "memory"],
  targets: [
    {
      goal: "at most 1/20 of the base class's walk",
      unit: "milliseconds",
      direction: "at most",
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "historyMsP50"),
        limit: figure(rows, "threadkeep", "baseWalkMsP50", { times: 1 / 20 }),
      }),
    },
  ],
  async run(bench) {
    const saver = requireSaver(bench);
    await buildHistory(bench, saver);
    const latest = await saver.getTuple({ configurable: { thread_id: "delta" } });
    if (latest === undefined) throw new Error("The run left no checkpoint.");
    const options = { config: latest.config, channels: ["messages"] };
    const viaSaver = (): Promise<Record<string, DeltaChannelHistory>> =>
      saver.getDeltaChannelHistory(options);
    const viaBaseClass = (): Promise<Record<string, DeltaChannelHistory>> =>
      BaseCheckpointSaver.prototype.getDeltaChannelHistory.call(saver, options);

    bench.progress(0, 1, "reading");
    const historyCommands = await countCommands(bench, viaSaver, bench.turns);
    const baseWalkCommands = await countCommands(bench, viaBaseClass, bench.turns);
    // In turns, so that whatever else the machine does hits both.
    const historyMs: number[] = [];
    const baseWalkMs: number[] = [];
    for (let sample = 0; sample < SAMPLES; sample += 1) {
      historyMs.push(await measureMs(viaSaver));
      baseWalkMs.push(await measureMs(viaBaseClass));
    }
    return {
      historyMsP50: median(historyMs),
      baseWalkMsP50: median(baseWalkMs),
      historyCommands,
      baseWalkCommands,
    };
  },
};

async function buildHistory(
  { turns, progress }: Bench,
  checkpointer: BaseCheckpointSaver,
): Promise<void> {
  const State = Annotation.Root({
    messages: () =>
      new DeltaChannel<BaseMessage[], Messages>(messagesDeltaReducer, {
        snapshotFrequency: Number.MAX_SAFE_INTEGER,
      }),
  });
  let written = 0;
  const graph = new StateGraph(State)
    .addNode("write", () => {
      written += 1;
      progress(written, turns);
      return { messages: [new AIMessage(randomText(`delta ${written}`, MESSAGE_LENGTH))] };
    })
    .addEdge(START, "write")
    .addConditionalEdges("write", () => (written < turns ? "write" : END), ["write", END])
    .compile({ checkpointer });
  await graph.invoke(
    { messages: [] },
    { configurable: { thread_id: "delta" }, recursionLimit: turns + 10 },
  );
}

/** Reads once and checks that all writes are there, so that a wrong answer is not fast. */
async function countCommands(
  { open }: Bench,
  read: () => Promise<Record<string, DeltaChannelHistory>>,
  expectedWrites: number,
): Promise<number> {
  const before = open.commands.commands;
  const history = await read();
  const found = history["messages"]?.writes.length ?? 0;
  if (found < expectedWrites) {
    throw new Error(`The history has ${found} writes; there were ${expectedWrites}.`);
  }
  return open.commands.commands - before;
}
