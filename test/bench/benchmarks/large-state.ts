import type { RunnableConfig } from "@langchain/core/runnables";
import {
  emptyCheckpoint,
  uuid6,
  type BaseCheckpointSaver,
  type Checkpoint,
} from "@langchain/langgraph-checkpoint";
import { isDeepStrictEqual } from "node:util";
import type { Bench, Benchmark, Outcome } from "../harness/benchmark.ts";
import { measureMs } from "../harness/durations.ts";
import type { MeasurementName } from "../harness/measurements.ts";
import { median } from "../harness/percentile.ts";
import { requireSaver } from "../harness/require-saver.ts";
import { figure, type Target } from "../harness/target.ts";
import { largeStates, type LargeState, type LargeStateForm } from "../workloads/large-state.ts";

/** So that 20 puts are made over a state of 40 MB, and a short trial is small. */
const STATE_BYTES_PER_PUT = 2_000_000;

const forms = Object.keys(largeStates) as LargeStateForm[];

/** A state beyond MongoDB's limit for a document, of which each put changes 1 kB. */
export const largeState: Benchmark = {
  name: "large-state",
  description:
    "A state of 2 MB for each put (40 MB for 20 puts), as one string, a list and a map; each put changes 1 kB of it; at the end it is read back and compared",
  turns: 20,
  turnsAre: "puts, and 2 MB of state for each",
  savers: ["threadkeep", "official", "memory"],
  variants: forms,
  targets: forms.flatMap((variant): Target[] => [
    {
      goal: `${variant}: peak memory at most 6 × the state`,
      unit: "bytes",
      direction: "at most",
      statedForTurns: 20,
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "memoryOverStartBytes", { variant }),
        limit: figure(rows, "threadkeep", "stateBytes", { variant, times: 6 }),
      }),
    },
    {
      goal: `${variant}: each later put at most 1/20 of the first's bytes`,
      unit: "bytes",
      direction: "at most",
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "laterPutBytesMax", { variant }),
        limit: figure(rows, "threadkeep", "firstPutBytes", { variant, times: 1 / 20 }),
      }),
    },
  ]),
  async run(bench) {
    const saver = requireSaver(bench);
    const form = forms.find((known) => known === bench.variant);
    if (form === undefined)
      throw new Error(`There is no large state of the form ${bench.variant}.`);
    const memoryAtStart = process.memoryUsage.rss();
    const stateBytes = bench.turns * STATE_BYTES_PER_PUT;
    const { config, state, outcome } = await putStates(bench, saver, largeStates[form](stateBytes));
    await checkStored(bench, config, state);
    return {
      ...outcome,
      stateBytes,
      memoryOverStartBytes: process.resourceUsage().maxRSS * 1_024 - memoryAtStart,
    };
  },
};

async function putStates(
  { open, turns, progress }: Bench,
  saver: BaseCheckpointSaver,
  initial: LargeState,
): Promise<{ config: RunnableConfig; state: LargeState; outcome: Outcome }> {
  let state = initial;
  let config: RunnableConfig = { configurable: { thread_id: "large", checkpoint_ns: "" } };
  const sizes: number[] = [];
  const putMs: number[] = [];
  for (let index = 0; index < turns; index += 1) {
    if (index > 0) state = state.change(index);
    const checkpoint = makeCheckpoint(index, state);
    const metadata = { source: "loop", step: index, parents: {} } as const;
    const parent = config;
    putMs.push(
      await measureMs(async () => {
        config = await saver.put(parent, checkpoint, metadata, { state: index + 1 });
      }),
    );
    sizes.push((await open.countBytesStored()) ?? 0);
    progress(index + 1, turns);
  }
  const [firstPutBytes = 0] = sizes;
  const later = sizes.slice(1).map((size, index) => size - (sizes[index] ?? 0));
  const figures: [MeasurementName, number][] = [
    ["bytesStored", sizes.at(-1) ?? 0],
    ["firstPutBytes", firstPutBytes],
  ];
  if (later.length > 0) {
    figures.push(
      ["laterPutBytesP50", median(later)],
      ["laterPutBytesMax", Math.max(...later)],
      ["putMsP50", median(putMs.slice(1))],
    );
  }
  return { config, state, outcome: Object.fromEntries(figures) };
}

function makeCheckpoint(index: number, { value }: LargeState): Checkpoint {
  return {
    ...emptyCheckpoint(),
    id: uuid6(index),
    channel_values: { state: value },
    channel_versions: { state: index + 1 },
  };
}

/** Reads with nothing in memory. A server's saver is opened anew; MemorySaver is all memory. */
async function checkStored(bench: Bench, config: RunnableConfig, state: LargeState): Promise<void> {
  await using another = await bench.openAnother();
  const tuple = await another.saver?.getTuple(config);
  if (!isDeepStrictEqual(tuple?.checkpoint.channel_values["state"], state.value)) {
    throw new Error("What was read back is not what was put.");
  }
}
