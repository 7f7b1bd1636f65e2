import type { RunnableConfig } from "@langchain/core/runnables";
import { MemorySaver, type BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { isDeepStrictEqual } from "node:util";
import type { Bench, Benchmark, Outcome } from "../harness/benchmark.ts";
import { measureMs } from "../harness/durations.ts";
import type { MeasurementName, Measurements } from "../harness/measurements.ts";
import { median } from "../harness/percentile.ts";
import { requireSaver } from "../harness/require-saver.ts";
import { figure, type Target } from "../harness/target.ts";
import { largeStates, type LargeState, type LargeStateForm } from "../workloads/large-state.ts";
import { makeCheckpoint } from "../workloads/make-checkpoint.ts";

/** So that 20 puts are made over a state of 40 MB, and a short trial is small. */
const STATE_BYTES_PER_PUT = 2_000_000;

const forms = Object.keys(largeStates) as LargeStateForm[];

/**
 * With all the memory there is, Node.js lets garbage lie for long: the peak is then more the
 * garbage collector's than the work's. A heap as small as that of a small container shows how much
 * the work needs.
 */
const SMALL_HEAP = "in a heap of 160 MB";
const SMALL_HEAP_OPTIONS = ["--max-old-space-size=160", "--max-semi-space-size=8"];

interface Variant {
  readonly name: string;
  readonly form: LargeStateForm;
  readonly nodeOptions: readonly string[];
}

const variants: readonly Variant[] = [
  ...forms.map((form) => ({ name: form, form, nodeOptions: [] })),
  ...forms.map((form) => ({
    name: `${form}, ${SMALL_HEAP}`,
    form,
    nodeOptions: SMALL_HEAP_OPTIONS,
  })),
];

/** A state beyond MongoDB's limit for a document, of which each put changes 1 kB. */
export const largeState: Benchmark = {
  name: "large-state",
  description:
    "A state of 2 MB for each put (40 MB for 20 puts), as one string, a list and a map; each put changes 1 kB of it; at the end it is read back and compared; without a checkpointer it is only changed",
  turns: 20,
  turnsAre: "puts, and 2 MB of state for each",
  savers: ["threadkeep", "official", "memory", "none"],
  variants: variants.map(({ name }) => name),
  nodeOptions: (variant) => findVariant(variant).nodeOptions,
  targets: [
    ...variants.map(({ name: variant }): Target => ({
      goal: `${variant}: peak memory at most 6 × the state`,
      unit: "bytes",
      direction: "at most",
      statedForTurns: 20,
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "memoryOverStartBytes", { variant }),
        limit: figure(rows, "threadkeep", "stateBytes", { variant, times: 6 }),
      }),
    })),
    ...forms.map((variant): Target => ({
      goal: `${variant}: each later put at most 1/20 of the first's bytes`,
      unit: "bytes",
      direction: "at most",
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "laterPutBytesMax", { variant }),
        limit: figure(rows, "threadkeep", "firstPutBytes", { variant, times: 1 / 20 }),
      }),
    })),
  ],
  async run(bench) {
    const { saver } = bench.open;
    const memoryAtStart = process.memoryUsage.rss();
    const stateBytes = countStateBytes(bench);
    const outcome = saver === undefined ? changeOnly(bench) : await putStates(bench, saver);
    const memoryOverStartBytes = process.resourceUsage().maxRSS * 1_024 - memoryAtStart;
    // What MemorySaver holds no other process can read.
    if (saver instanceof MemorySaver) await checkStored(bench);
    else if (saver !== undefined) await bench.runInNewProcess("readBack");
    return { ...outcome, stateBytes, memoryOverStartBytes };
  },
  stages: { readBack: checkStored },
};

function findVariant(name: string | undefined): Variant {
  const found = variants.find((variant) => variant.name === name);
  if (found === undefined) throw new Error(`There is no large state of the form ${name}.`);
  return found;
}

function countStateBytes({ turns }: Bench): number {
  return turns * STATE_BYTES_PER_PUT;
}

/** The state of each put, one after another. None is held longer than the next one needs it. */
function* makeStates(bench: Bench): Generator<LargeState> {
  let state = largeStates[findVariant(bench.variant).form](countStateBytes(bench));
  yield state;
  for (let index = 1; index < bench.turns; index += 1) {
    state = state.change(index);
    yield state;
  }
}

/** The same changes with nothing stored: the memory they take is the application's own. */
function changeOnly(bench: Bench): Outcome {
  let done = 0;
  for (const _state of makeStates(bench)) {
    done += 1;
    bench.progress(done, bench.turns);
  }
  return {};
}

const THREAD: RunnableConfig = { configurable: { thread_id: "large", checkpoint_ns: "" } };

async function putStates(bench: Bench, saver: BaseCheckpointSaver): Promise<Outcome> {
  const { open, turns, progress } = bench;
  let config = THREAD;
  const sizes: number[] = [];
  const putMs: number[] = [];
  for (const state of makeStates(bench)) {
    const index = sizes.length;
    const checkpoint = makeCheckpoint(index, { state: state.value });
    const metadata = { source: "loop", step: index, parents: {} } as const;
    const parent = config;
    const { channel_versions: versions } = checkpoint;
    putMs.push(
      await measureMs(async () => {
        config = await saver.put(parent, checkpoint, metadata, versions);
      }),
    );
    sizes.push((await open.countBytesStored()) ?? 0);
    progress(sizes.length, turns);
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
  return Object.fromEntries(figures);
}

/** Reads the last state and compares it with what it has to be. */
async function checkStored(bench: Bench): Promise<Measurements> {
  const tuple = await requireSaver(bench).getTuple(THREAD);
  const state = [...makeStates(bench)].at(-1);
  if (!isDeepStrictEqual(tuple?.checkpoint.channel_values["state"], state?.value)) {
    throw new Error("What was read back is not what was put.");
  }
  return {};
}
