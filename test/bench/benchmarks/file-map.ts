import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import type { Benchmark } from "../harness/benchmark.ts";
import { measureMs } from "../harness/durations.ts";
import { median } from "../harness/percentile.ts";
import { requireSaver } from "../harness/require-saver.ts";
import { storedAtMost3Times } from "../harness/target.ts";
import { randomText } from "../workloads/random-text.ts";

const FILE_LENGTH = 5_000;

/** An agent's virtual files: many of them, one rewritten at a time. */
export const fileMap: Benchmark = {
  name: "file-map",
  description:
    "A channel with as many files of 5 kB as there are turns (200 files for 200 turns); each turn rewrites one file",
  turns: 200,
  turnsAre: "files, and turns that rewrite one each",
  savers: ["threadkeep", "official", "memory"],
  targets: [storedAtMost3Times("(initial content + edits)")],
  async run(bench) {
    const { open, turns, progress } = bench;
    const graph = buildGraph(requireSaver(bench), turns);
    const config = { configurable: { thread_id: "files" } };
    // The first turn makes the files.
    await graph.invoke({ turn: 0 }, config);
    const turnMs: number[] = [];
    const tail = Math.min(10, turns);
    let commandsBefore = 0;
    for (let turn = 1; turn <= turns; turn += 1) {
      if (turn === turns - tail + 1) commandsBefore = open.commands.commands;
      turnMs.push(await measureMs(() => graph.invoke({ turn }, config)));
      progress(turn, turns);
    }
    const bytesStored = await open.countBytesStored();
    return {
      ...(bytesStored !== undefined && { bytesStored }),
      contentBytes: (turns + turns) * FILE_LENGTH,
      turnMsP50Last10: median(turnMs.slice(-10)),
      commandsPerTurn: (open.commands.commands - commandsBefore) / tail,
    };
  },
};

const State = Annotation.Root({
  turn: Annotation<number>,
  files: Annotation<Record<string, string>>({
    reducer: (files, changed) => ({ ...files, ...changed }),
    default: () => ({}),
  }),
});

function buildGraph(checkpointer: BaseCheckpointSaver, fileCount: number) {
  return new StateGraph(State)
    .addNode("edit", ({ turn }) => ({
      files:
        turn === 0
          ? Object.fromEntries(Array.from({ length: fileCount }, (_, index) => writeFile(index, 0)))
          : // A step with no common divisor with the count reaches every file, in no tidy order.
            Object.fromEntries([writeFile((turn * 7) % fileCount, turn)]),
    }))
    .addEdge(START, "edit")
    .addEdge("edit", END)
    .compile({ checkpointer });
}

function writeFile(index: number, revision: number): [path: string, content: string] {
  const content = randomText(`file ${index} revision ${revision}`, FILE_LENGTH);
  return [`/src/module-${index}.ts`, content];
}
