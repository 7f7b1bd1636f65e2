import type { Bench, Benchmark } from "../harness/benchmark.ts";
import { measureMs, sampleMs } from "../harness/durations.ts";
import type { Measurements } from "../harness/measurements.ts";
import { median } from "../harness/percentile.ts";
import { requireSaver } from "../harness/require-saver.ts";
import { figure } from "../harness/target.ts";
import { Conversation } from "../workloads/conversation.ts";

const MAX_PROCESSES = 5;

/** What a process pays that continues with a long thread of another process. */
export const coldRead: Benchmark = {
  name: "cold-read",
  description:
    "The first getTuple of the long thread in a new process, connected and set up, against repeated ones in the process that wrote it; the official saver's thread is written in one turn, since it reads its last checkpoint alone",
  turns: 500,
  turnsAre: "turns of the thread",
  savers: ["threadkeep", "official"],
  targets: [
    {
      goal: "a new process at most 2 × the warm getTuple",
      unit: "milliseconds",
      direction: "at most",
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "coldGetTupleMsP50"),
        limit: figure(rows, "threadkeep", "getTupleMsP50", { times: 2 }),
      }),
    },
    {
      goal: "at most 64 documents read",
      unit: "count",
      direction: "at most",
      compare: (rows) => ({ measured: figure(rows, "threadkeep", "documentsRead"), limit: 64 }),
    },
  ],
  async run(bench) {
    const saver = requireSaver(bench);
    const conversation = new Conversation(saver);
    // How the official saver's thread came about is not to be seen in the last of its documents, the one
    // that it reads; and turn by turn it takes minutes.
    const byTurns = bench.saverName === "official" ? new Conversation(undefined) : conversation;
    for (let turn = 1; turn <= bench.turns; turn += 1) {
      await byTurns.runTurn();
      bench.progress(turn, bench.turns);
    }
    if (byTurns !== conversation) await conversation.takeOver(byTurns.messages);
    bench.progress(0, 1, "reading");
    const warmMs = await sampleMs(() => saver.getTuple(conversation.config), { atMost: 30 });
    const newSaverMs: number[] = [];
    const cold: Measurements[] = [];
    const processes = Math.min(bench.turns, MAX_PROCESSES);
    for (let index = 0; index < processes; index += 1) {
      await using another = await bench.openAnother();
      newSaverMs.push(await measureMs(async () => another.saver?.getTuple(conversation.config)));
      cold.push(await bench.runInNewProcess<Measurements>("readFirst"));
    }
    return {
      getTupleMsP50: median(warmMs),
      newSaverGetTupleMsP50: median(newSaverMs),
      ...medians(cold),
    };
  },
  stages: { readFirst },
};

async function readFirst(bench: Bench): Promise<Measurements> {
  const saver = requireSaver(bench);
  const { commands } = bench.open;
  const { config } = new Conversation(saver);
  const before = { commands: commands.commands, documents: commands.documentsRead };
  const coldGetTupleMsP50 = await measureMs(() => saver.getTuple(config));
  return {
    coldGetTupleMsP50,
    coldGetTupleCommands: commands.commands - before.commands,
    documentsRead: commands.documentsRead - before.documents,
  };
}

function medians(samples: readonly Measurements[]): Measurements {
  const names = Object.keys(samples[0] ?? {}) as (keyof Measurements)[];
  return Object.fromEntries(
    names.map((name) => [name, median(samples.map((sample) => sample[name] ?? Number.NaN))]),
  );
}
