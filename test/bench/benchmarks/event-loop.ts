import type { RunnableConfig } from "@langchain/core/runnables";
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { setImmediate } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Bench, Benchmark, Outcome } from "../harness/benchmark.ts";
import { watchEventLoop } from "../harness/event-loop.ts";
import { requireSaver } from "../harness/require-saver.ts";
import { figure, type Target } from "../harness/target.ts";
import type { MeasurementName } from "../harness/measurements.ts";
import { Conversation } from "../workloads/conversation.ts";
import { largeStates, makeMapOfShortTexts, type LargeState } from "../workloads/large-state.ts";
import { makeCheckpoint } from "../workloads/make-checkpoint.ts";

/** 40 MB for 20. */
const STATE_BYTES_PER_TURN = 2_000_000;
/** 500 for 20. */
const TURNS_OF_THE_THREAD_PER_TURN = 25;
/** A first put, and others that change a little. */
const PUTS = 3;

const THREAD = "a thread";
const LARGE: RunnableConfig = { configurable: { thread_id: "large", checkpoint_ns: "" } };
const states: Readonly<Record<string, (length: number) => LargeState>> = {
  ...largeStates,
  map: makeMapOfShortTexts,
};

function atMost20Ms(variant: string, what: string, name: MeasurementName): Target {
  return {
    goal: `${variant}: ${what} blocks for at most 20 ms`,
    unit: "milliseconds",
    direction: "at most",
    statedForTurns: 20,
    compare: (rows) => ({ measured: figure(rows, "threadkeep", name, { variant }), limit: 20 }),
  };
}

/** How long everything else in the process has to wait. */
export const eventLoop: Benchmark = {
  name: "event-loop",
  description:
    "The longest time for which nothing else in the process ran, while states of 2 MB for each turn (40 MB for 20: a list of texts of 1,000 characters, one string, a map of 400,000 texts of 100) are put, put again with 1,000 characters changed, and read; and while a thread of long-thread's kind runs 25 turns for each (500 for 20). A put encodes its state before it returns its promise; that is a figure of its own",
  turns: 20,
  turnsAre: "times 2 MB of state, and 25 turns of the thread",
  savers: ["threadkeep", "official", "memory", "none"],
  variants: [...Object.keys(states), THREAD],
  // With the official saver the thread takes minutes; its turns are in long-thread.
  saversOf: (variant) =>
    variant === THREAD ? ["threadkeep", "memory", "none"] : ["threadkeep", "official", "memory"],
  targets: [
    ...Object.keys(states).flatMap((variant) => [
      atMost20Ms(variant, "what follows a put's snapshot", "putBlockMsMax"),
      atMost20Ms(variant, "getTuple", "getBlockMsMax"),
      atMost20Ms(variant, "getTuple of a new saver", "coldGetBlockMsMax"),
    ]),
    atMost20Ms(THREAD, "a turn", "turnBlockMsMax"),
  ],
  run: (bench) => (bench.variant === THREAD ? runThread(bench) : putAndGet(bench)),
};

async function runThread({ open, turns, progress }: Bench): Promise<Outcome> {
  const { saver } = open;
  let snapshotMsMax = 0;
  // Code that runs for the first time is another matter.
  await new Conversation(saver, { threadId: "warm-up" }).runTurn();
  const conversation = new Conversation(
    saver && timePuts(saver, (ms) => (snapshotMsMax = Math.max(snapshotMsMax, ms))),
  );
  const count = turns * TURNS_OF_THE_THREAD_PER_TURN;
  const { longestMs } = await watchEventLoop(async () => {
    for (let turn = 1; turn <= count; turn += 1) {
      await conversation.runTurn();
      // As the user's next message does. Without a server nothing else would.
      await setImmediate();
      progress(turn, count);
    }
  });
  return { turnBlockMsMax: longestMs, ...(saver !== undefined && { snapshotMsMax }) };
}

/** The saver, telling how long each of its puts took to return its promise. */
function timePuts(saver: BaseCheckpointSaver, tell: (ms: number) => void): BaseCheckpointSaver {
  const put = saver.put.bind(saver);
  return Object.assign(saver, {
    put: (...parameters: Parameters<typeof put>) => {
      const start = performance.now();
      const promise = put(...parameters);
      tell(performance.now() - start);
      return promise;
    },
  });
}

async function putAndGet(bench: Bench): Promise<Outcome> {
  const { turns, variant, progress } = bench;
  const saver = requireSaver(bench);
  let state = states[variant ?? ""]!(turns * STATE_BYTES_PER_TURN);
  let config = LARGE;
  const snapshotMs: number[] = [];
  const putMs: number[] = [];
  for (let index = 0; index < PUTS; index += 1) {
    if (index > 0) state = state.change(index);
    progress(index + 1, PUTS, `putting ${index + 1} of ${PUTS}`);
    const checkpoint = makeCheckpoint(index, { state: state.value });
    const metadata = { source: "loop", step: index, parents: {} } as const;
    const start = performance.now();
    const promise = saver.put(config, checkpoint, metadata, checkpoint.channel_versions);
    snapshotMs.push(performance.now() - start);
    const { result, longestMs } = await watchEventLoop(() => promise);
    config = result;
    putMs.push(longestMs);
  }
  progress(0, 1, "reading");
  const warmMs = await watchReading(saver, state);
  await using another = await bench.openAnother();
  const coldMs = await watchReading(another.saver ?? saver, state);
  return {
    snapshotMsMax: Math.max(...snapshotMs),
    putBlockMsMax: Math.max(...putMs),
    getBlockMsMax: warmMs,
    coldGetBlockMsMax: coldMs,
  };
}

/** Reads the state, and compares it once it is known how long that blocked. */
async function watchReading(saver: BaseCheckpointSaver, { value }: LargeState): Promise<number> {
  const { result: tuple, longestMs } = await watchEventLoop(() => saver.getTuple(LARGE));
  if (!isDeepStrictEqual(tuple?.checkpoint.channel_values["state"], value)) {
    throw new Error("What was read is not what was put.");
  }
  return longestMs;
}
